// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * unlink(2) and unlinkat(2). Counted: every call. Reported: failures the settings ask for, and
 * ENAMETOOLONG. 32-bit callers: with the fexit backend. Through io_uring: uring_unlink.bpf.c.
 */
#include "core/arguments.bpf.h"
#include "core/path.bpf.h"
#include "core/seccomp.bpf.h"

#include <bpf/bpf_tracing.h>

static __always_inline int observe_unlink(__u32 probe, __u32 syscall, const struct path_arguments *arguments,
					  int result)
{
	count_call(syscall, SOCKWARD_FAMILY_NONE, result);
	if (!errno_wanted(result) && !unlink_wanted(result))
		return 0;
	if (syscall_wanted(syscall))
		emit_path_call(probe, syscall, arguments, result);
	return 0;
}

static __always_inline int unlink_exit(__u32 probe, const struct pt_regs *registers, long result, __u32 flags)
{
	struct path_arguments arguments = {
		.dirfd = AT_FDCWD,
		.path = (const char *)argument(registers, 0),
		.flags = flags,
	};

	return observe_unlink(probe, SOCKWARD_UNLINK, &arguments, normalise_result(result));
}

static __always_inline int unlinkat_exit(__u32 probe, const struct pt_regs *registers, long result, __u32 flags)
{
	struct path_arguments arguments = {
		.dirfd = (int)argument(registers, 0),
		.path = (const char *)argument(registers, 1),
		.call_flags = (__u32)argument(registers, 2),
		.flags = flags,
	};

	return observe_unlink(probe, SOCKWARD_UNLINKAT, &arguments, normalise_result(result));
}

SYSCALL_FEXIT(unlink)
int BPF_PROG(unlink_fexit, const struct pt_regs *registers, long result)
{
	note_seen(SOCKWARD_UNLINK);
	return unlink_exit(SOCKWARD_UNLINK, registers, result, 0);
}

SEC("tracepoint/syscalls/sys_enter_unlink")
int unlink_entry_tp(struct sys_enter_context *context)
{
	return note_entry(SOCKWARD_UNLINK);
}

SEC("tracepoint/syscalls/sys_exit_unlink")
int unlink_tp(struct sys_exit_context *context)
{
	return unlink_exit(SOCKWARD_UNLINK, caller_registers(), context->result, seccomp_flag(SOCKWARD_UNLINK));
}

SYSCALL_FEXIT(unlinkat)
int BPF_PROG(unlinkat_fexit, const struct pt_regs *registers, long result)
{
	note_seen(SOCKWARD_UNLINKAT);
	return unlinkat_exit(SOCKWARD_UNLINKAT, registers, result, 0);
}

SEC("tracepoint/syscalls/sys_enter_unlinkat")
int unlinkat_entry_tp(struct sys_enter_context *context)
{
	return note_entry(SOCKWARD_UNLINKAT);
}

SEC("tracepoint/syscalls/sys_exit_unlinkat")
int unlinkat_tp(struct sys_exit_context *context)
{
	return unlinkat_exit(SOCKWARD_UNLINKAT, caller_registers(), context->result,
			     seccomp_flag(SOCKWARD_UNLINKAT));
}

SEC("tracepoint/syscalls/sys_exit_unlink")
int unlink_denied_tp(struct sys_exit_context *context)
{
	__u32 flags = seccomp_flag(SOCKWARD_UNLINK);

	return flags ? unlink_exit(SOCKWARD_PROBE_DENIED_UNLINK, caller_registers(), context->result, flags)
		     : 0;
}

SEC("tracepoint/syscalls/sys_exit_unlinkat")
int unlinkat_denied_tp(struct sys_exit_context *context)
{
	__u32 flags = seccomp_flag(SOCKWARD_UNLINKAT);

	return flags ? unlinkat_exit(SOCKWARD_PROBE_DENIED_UNLINKAT, caller_registers(), context->result, flags)
		     : 0;
}

#ifdef COMPAT_FEXIT
COMPAT_FEXIT(unlink)
int BPF_PROG(unlink_compat_fexit, const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {
		.dirfd = AT_FDCWD,
		.path = (const char *)compat_argument(registers, 0),
	};

	return observe_unlink(SOCKWARD_PROBE_COMPAT_UNLINK, SOCKWARD_UNLINK, &arguments,
			      normalise_result(result));
}

COMPAT_FEXIT(unlinkat)
int BPF_PROG(unlinkat_compat_fexit, const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {
		.dirfd = (int)compat_argument(registers, 0),
		.path = (const char *)compat_argument(registers, 1),
		.call_flags = (__u32)compat_argument(registers, 2),
	};

	return observe_unlink(SOCKWARD_PROBE_COMPAT_UNLINKAT, SOCKWARD_UNLINKAT, &arguments,
			      normalise_result(result));
}
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
