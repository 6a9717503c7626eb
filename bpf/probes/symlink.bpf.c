// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ELOOP of openat2(2), open_tree(2), mount(2) and move_mount(2): how a container runtime meets a
 * symlink it refuses to follow. Nothing else of these calls is counted or reported.
 * 32-bit callers: with the fexit backend; the calls have the same form there.
 */
#include "core/arguments.bpf.h"
#include "core/path.bpf.h"

#include <bpf/bpf_tracing.h>

/* struct open_how, include/uapi/linux/openat2.h (5.6). */
struct open_how_arguments {
	__u64 flags, mode, resolve;
};

/* The caller's arguments, in order: of a native call, and of a 32-bit one. */
typedef __u64 (*argument_reader)(const struct pt_regs *, int);

static __always_inline int observe_loop(__u32 probe, __u32 syscall, const struct path_arguments *arguments)
{
	count_call(syscall, SOCKWARD_FAMILY_NONE, -ELOOP);
	if (errno_wanted(-ELOOP) && syscall_wanted(syscall))
		emit_path_call(probe, syscall, arguments, -ELOOP);
	return 0;
}

static __always_inline int openat2_exit(__u32 probe, argument_reader argument_of,
					const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {};
	struct open_how_arguments how = {};

	if (result != -ELOOP)
		return 0;
	arguments.dirfd = (int)argument_of(registers, 0);
	arguments.path = (const char *)argument_of(registers, 1);
	if (bpf_probe_read_user(&how, sizeof(how), (const void *)argument_of(registers, 2)))
		arguments.flags = SOCKWARD_ARGUMENT_FAULT;
	arguments.call_flags = (__u32)how.flags;
	arguments.resolve = how.resolve;
	return observe_loop(probe, SOCKWARD_OPENAT2, &arguments);
}

static __always_inline int open_tree_exit(__u32 probe, argument_reader argument_of,
					  const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {};

	if (result != -ELOOP)
		return 0;
	arguments.dirfd = (int)argument_of(registers, 0);
	arguments.path = (const char *)argument_of(registers, 1);
	arguments.call_flags = (__u32)argument_of(registers, 2);
	return observe_loop(probe, SOCKWARD_OPEN_TREE, &arguments);
}

static __always_inline int mount_exit(__u32 probe, argument_reader argument_of, const struct pt_regs *registers,
				      long result)
{
	struct path_arguments arguments = {.dirfd = AT_FDCWD};

	if (result != -ELOOP)
		return 0;
	arguments.path = (const char *)argument_of(registers, 1);
	arguments.path2 = (const char *)argument_of(registers, 0);
	return observe_loop(probe, SOCKWARD_MOUNT, &arguments);
}

static __always_inline int move_mount_exit(__u32 probe, argument_reader argument_of,
					   const struct pt_regs *registers, long result)
{
	struct path_arguments arguments = {};

	if (result != -ELOOP)
		return 0;
	arguments.path2 = (const char *)argument_of(registers, 1);
	arguments.dirfd = (int)argument_of(registers, 2);
	arguments.path = (const char *)argument_of(registers, 3);
	arguments.call_flags = (__u32)argument_of(registers, 4);
	return observe_loop(probe, SOCKWARD_MOVE_MOUNT, &arguments);
}

SYSCALL_FEXIT(openat2)
int BPF_PROG(openat2_fexit, const struct pt_regs *registers, long result)
{
	return openat2_exit(SOCKWARD_OPENAT2, argument, registers, result);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int openat2_tp(struct sys_exit_context *context)
{
	return openat2_exit(SOCKWARD_OPENAT2, argument, caller_registers(), context->result);
}

SYSCALL_FEXIT(open_tree)
int BPF_PROG(open_tree_fexit, const struct pt_regs *registers, long result)
{
	return open_tree_exit(SOCKWARD_OPEN_TREE, argument, registers, result);
}

SEC("tracepoint/syscalls/sys_exit_open_tree")
int open_tree_tp(struct sys_exit_context *context)
{
	return open_tree_exit(SOCKWARD_OPEN_TREE, argument, caller_registers(), context->result);
}

SYSCALL_FEXIT(mount)
int BPF_PROG(mount_fexit, const struct pt_regs *registers, long result)
{
	return mount_exit(SOCKWARD_MOUNT, argument, registers, result);
}

SEC("tracepoint/syscalls/sys_exit_mount")
int mount_tp(struct sys_exit_context *context)
{
	return mount_exit(SOCKWARD_MOUNT, argument, caller_registers(), context->result);
}

SYSCALL_FEXIT(move_mount)
int BPF_PROG(move_mount_fexit, const struct pt_regs *registers, long result)
{
	return move_mount_exit(SOCKWARD_MOVE_MOUNT, argument, registers, result);
}

SEC("tracepoint/syscalls/sys_exit_move_mount")
int move_mount_tp(struct sys_exit_context *context)
{
	return move_mount_exit(SOCKWARD_MOVE_MOUNT, argument, caller_registers(), context->result);
}

#ifdef COMPAT_FEXIT
COMPAT_FEXIT(openat2)
int BPF_PROG(openat2_compat_fexit, const struct pt_regs *registers, long result)
{
	return openat2_exit(SOCKWARD_PROBE_COMPAT_OPENAT2, compat_argument, registers, result);
}

COMPAT_FEXIT(open_tree)
int BPF_PROG(open_tree_compat_fexit, const struct pt_regs *registers, long result)
{
	return open_tree_exit(SOCKWARD_PROBE_COMPAT_OPEN_TREE, compat_argument, registers, result);
}

COMPAT_FEXIT(mount)
int BPF_PROG(mount_compat_fexit, const struct pt_regs *registers, long result)
{
	return mount_exit(SOCKWARD_PROBE_COMPAT_MOUNT, compat_argument, registers, result);
}

COMPAT_FEXIT(move_mount)
int BPF_PROG(move_mount_compat_fexit, const struct pt_regs *registers, long result)
{
	return move_mount_exit(SOCKWARD_PROBE_COMPAT_MOVE_MOUNT, compat_argument, registers, result);
}
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
