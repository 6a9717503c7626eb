// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * unlink(2) and unlinkat(2). Counted: every call. Reported: failures the settings ask for, and
 * ENAMETOOLONG. Not seen: unlinkat through io_uring.
 */
#include "core/arguments.bpf.h"
#include "core/path.bpf.h"

#include <bpf/bpf_tracing.h>

static __always_inline int observe_unlink(__u32 syscall, const struct path_arguments *arguments, int result)
{
	count_call(syscall, SOCKWARD_FAMILY_NONE, result);
	if (!errno_wanted(result) && !(settings.report_too_long && result == -ENAMETOOLONG))
		return 0;
	if (syscall_wanted(syscall))
		emit_path_call(syscall, arguments, result);
	return 0;
}

static __always_inline int unlink_exit(const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {
		.dirfd = AT_FDCWD,
		.path = (const char *)argument(registers, 0),
	};

	return observe_unlink(SOCKWARD_UNLINK, &arguments, normalise_result(result));
}

static __always_inline int unlinkat_exit(const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {
		.dirfd = (int)argument(registers, 0),
		.path = (const char *)argument(registers, 1),
		.call_flags = (__u32)argument(registers, 2),
	};

	return observe_unlink(SOCKWARD_UNLINKAT, &arguments, normalise_result(result));
}

SYSCALL_FEXIT(unlink)
int BPF_PROG(unlink_fexit, const struct pt_regs *registers, long result)
{
	return unlink_exit(registers, result);
}

SEC("tracepoint/syscalls/sys_exit_unlink")
int unlink_tp(struct sys_exit_context *context)
{
	return unlink_exit(caller_registers(), context->result);
}

SYSCALL_FEXIT(unlinkat)
int BPF_PROG(unlinkat_fexit, const struct pt_regs *registers, long result)
{
	return unlinkat_exit(registers, result);
}

SEC("tracepoint/syscalls/sys_exit_unlinkat")
int unlinkat_tp(struct sys_exit_context *context)
{
	return unlinkat_exit(caller_registers(), context->result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
