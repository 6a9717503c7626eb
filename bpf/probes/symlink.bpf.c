// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ELOOP of openat2(2), open_tree(2), mount(2) and move_mount(2): how a container runtime meets a
 * symlink it refuses to follow. Nothing else of these calls is counted or reported.
 * 32-bit callers: with the fexit backend; the calls have the same form there.
 */
#include "core/arguments.bpf.h"
#include "core/path.bpf.h"
#include "core/seccomp.bpf.h"

#include <bpf/bpf_tracing.h>

/* struct open_how, include/uapi/linux/openat2.h (5.6). */
struct open_how_arguments {
	__u64 flags, mode, resolve;
};

static __always_inline int observe_loop(__u32 probe, __u32 syscall, const struct path_arguments *arguments)
{
	count_call(syscall, SOCKWARD_FAMILY_NONE, -ELOOP);
	if (errno_wanted(-ELOOP) && syscall_wanted(syscall))
		emit_path_call(probe, syscall, arguments, -ELOOP);
	return 0;
}

static __always_inline int openat2_loop(__u32 probe, argument_reader argument_of,
					const struct pt_regs *registers, __u32 flags)
{
	struct path_arguments arguments = {.flags = flags};
	struct open_how_arguments how = {};

	arguments.dirfd = (int)argument_of(registers, 0);
	arguments.path = (const char *)argument_of(registers, 1);
	if (bpf_probe_read_user(&how, sizeof(how), (const void *)argument_of(registers, 2)))
		arguments.flags |= SOCKWARD_ARGUMENT_FAULT;
	arguments.call_flags = (__u32)how.flags;
	arguments.resolve = how.resolve;
	return observe_loop(probe, SOCKWARD_OPENAT2, &arguments);
}

static __always_inline int open_tree_loop(__u32 probe, argument_reader argument_of,
					  const struct pt_regs *registers, __u32 flags)
{
	struct path_arguments arguments = {.flags = flags};

	arguments.dirfd = (int)argument_of(registers, 0);
	arguments.path = (const char *)argument_of(registers, 1);
	arguments.call_flags = (__u32)argument_of(registers, 2);
	return observe_loop(probe, SOCKWARD_OPEN_TREE, &arguments);
}

static __always_inline int mount_loop(__u32 probe, argument_reader argument_of,
				      const struct pt_regs *registers, __u32 flags)
{
	struct path_arguments arguments = {.flags = flags, .dirfd = AT_FDCWD};

	arguments.path = (const char *)argument_of(registers, 1);
	arguments.path2 = (const char *)argument_of(registers, 0);
	return observe_loop(probe, SOCKWARD_MOUNT, &arguments);
}

static __always_inline int move_mount_loop(__u32 probe, argument_reader argument_of,
					   const struct pt_regs *registers, __u32 flags)
{
	struct path_arguments arguments = {.flags = flags};

	arguments.path2 = (const char *)argument_of(registers, 1);
	arguments.dirfd = (int)argument_of(registers, 2);
	arguments.path = (const char *)argument_of(registers, 3);
	arguments.call_flags = (__u32)argument_of(registers, 4);
	return observe_loop(probe, SOCKWARD_MOVE_MOUNT, &arguments);
}

/* A filter can answer with any error, and without an entry program nobody knows whether the call began. */
static __always_inline __u32 who_answered(void)
{
	return has_seccomp_filter() ? 0 : SOCKWARD_KERNEL_ANSWERED;
}

/* Without core/programs.bpf.h: of these calls only one error matters, which filters hardly ever give. */
#define LOOP_PROGRAMS(CALL, call)                                                                            \
	SYSCALL_FEXIT(call)                                                                                  \
	int BPF_PROG(call##_fexit, const struct pt_regs *registers, long result)                             \
	{                                                                                                    \
		if (result != -ELOOP)                                                                        \
			return 0;                                                                            \
		return call##_loop(SOCKWARD_##CALL, argument, registers, SOCKWARD_KERNEL_ANSWERED);          \
	}                                                                                                    \
                                                                                                             \
	SEC("tracepoint/syscalls/sys_exit_" #call)                                                           \
	int call##_tp(struct sys_exit_context *context)                                                      \
	{                                                                                                    \
		if (context->result != -ELOOP)                                                               \
			return 0;                                                                            \
		return call##_loop(SOCKWARD_##CALL, argument, caller_registers(), who_answered());           \
	}

#define COMPAT_LOOP_PROGRAM(CALL, call)                                                                      \
	COMPAT_FEXIT(call)                                                                                   \
	int BPF_PROG(call##_compat_fexit, const struct pt_regs *registers, long result)                      \
	{                                                                                                    \
		if (result != -ELOOP)                                                                        \
			return 0;                                                                            \
		return call##_loop(SOCKWARD_PROBE_COMPAT_##CALL, compat_argument, registers,                 \
				   SOCKWARD_KERNEL_ANSWERED);                                                \
	}

LOOP_PROGRAMS(OPENAT2, openat2)
LOOP_PROGRAMS(OPEN_TREE, open_tree)
LOOP_PROGRAMS(MOUNT, mount)
LOOP_PROGRAMS(MOVE_MOUNT, move_mount)

#ifdef COMPAT_FEXIT
COMPAT_LOOP_PROGRAM(OPENAT2, openat2)
COMPAT_LOOP_PROGRAM(OPEN_TREE, open_tree)
COMPAT_LOOP_PROGRAM(MOUNT, mount)
COMPAT_LOOP_PROGRAM(MOVE_MOUNT, move_mount)
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
