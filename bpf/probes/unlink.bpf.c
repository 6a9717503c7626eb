// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * unlink(2) and unlinkat(2). Counted: every call. Reported: failures the settings ask for, and
 * ENAMETOOLONG. 32-bit callers: with the fexit backend. Through io_uring: uring_unlink.bpf.c.
 */
#include "core/path.bpf.h"
#include "core/programs.bpf.h"

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

static __always_inline int unlink_exit(__u32 probe, argument_reader argument_of,
				       const struct pt_regs *registers, long result, __u32 flags)
{
	struct path_arguments arguments = {
		.dirfd = AT_FDCWD,
		.path = (const char *)argument_of(registers, 0),
		.flags = flags,
	};

	return observe_unlink(probe, SOCKWARD_UNLINK, &arguments, normalise_result(result));
}

static __always_inline int unlinkat_exit(__u32 probe, argument_reader argument_of,
					 const struct pt_regs *registers, long result, __u32 flags)
{
	struct path_arguments arguments = {
		.dirfd = (int)argument_of(registers, 0),
		.path = (const char *)argument_of(registers, 1),
		.call_flags = (__u32)argument_of(registers, 2),
		.flags = flags,
	};

	return observe_unlink(probe, SOCKWARD_UNLINKAT, &arguments, normalise_result(result));
}

FEXIT_PROGRAM(UNLINK, unlink, unlink_exit)
COMPAT_PROGRAM(UNLINK, unlink, unlink_exit)
ENTRY_PROGRAM(UNLINK, unlink)
EXIT_PROGRAMS(UNLINK, unlink, unlink_exit)

FEXIT_PROGRAM(UNLINKAT, unlinkat, unlinkat_exit)
COMPAT_PROGRAM(UNLINKAT, unlinkat, unlinkat_exit)
ENTRY_PROGRAM(UNLINKAT, unlinkat)
EXIT_PROGRAMS(UNLINKAT, unlinkat, unlinkat_exit)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
