/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs of a watched call: from call to call they differ in names and numbers. What they do with the
 * call is said by its observer:
 *
 *   int observe(__u32 probe, argument_reader argument_of, const struct pt_regs *registers, long result,
 *               __u32 flags)
 *
 * argument_of(registers, n) is the call's nth argument. flags: enum sockward_flag, found before.
 */
#ifndef SOCKWARD_CORE_PROGRAMS_H
#define SOCKWARD_CORE_PROGRAMS_H

#include "core/arguments.bpf.h"
#include "core/seccomp.bpf.h"

#include <bpf/bpf_tracing.h>

/*
 * <call>_entry_tp: notes that the call began. A call that a filter refused never does (core/seccomp.bpf.h).
 */
#define ENTRY_PROGRAM(CALL, call)                                                                            \
	SEC("tracepoint/syscalls/sys_enter_" #call)                                                          \
	int call##_entry_tp(struct sys_enter_context *context)                                               \
	{                                                                                                    \
		return note_entry(SOCKWARD_##CALL);                                                          \
	}

/* <call>_tp: the tracepoint backend. <call>_denied_tp: beside the fexit backend, for what that cannot see. */
#define EXIT_PROGRAMS(CALL, call, observe)                                                                   \
	SEC("tracepoint/syscalls/sys_exit_" #call)                                                           \
	int call##_tp(struct sys_exit_context *context)                                                      \
	{                                                                                                    \
		__u32 flags = seccomp_flag(SOCKWARD_##CALL);                                                 \
                                                                                                             \
		return observe(SOCKWARD_##CALL, argument, caller_registers(), context->result, flags);       \
	}                                                                                                    \
                                                                                                             \
	SEC("tracepoint/syscalls/sys_exit_" #call)                                                           \
	int call##_denied_tp(struct sys_exit_context *context)                                               \
	{                                                                                                    \
		__u32 flags = seccomp_flag(SOCKWARD_##CALL);                                                 \
                                                                                                             \
		if (!flags)                                                                                  \
			return 0;                                                                            \
		return observe(SOCKWARD_PROBE_DENIED_##CALL, argument, caller_registers(), context->result,  \
			       flags);                                                                       \
	}

/* <call>_fexit, at the call's own entry function. */
#define FEXIT_PROGRAM(CALL, call, observe)                                                                   \
	SYSCALL_FEXIT(call)                                                                                  \
	int BPF_PROG(call##_fexit, const struct pt_regs *registers, long result)                             \
	{                                                                                                    \
		note_seen(SOCKWARD_##CALL);                                                                  \
		return observe(SOCKWARD_##CALL, argument, registers, result, 0);                             \
	}

/* <call>_compat_fexit: 32-bit callers, where they have an entry function of their own. */
#ifdef COMPAT_FEXIT
#define COMPAT_PROGRAM(CALL, call, observe)                                                                  \
	COMPAT_FEXIT(call)                                                                                   \
	int BPF_PROG(call##_compat_fexit, const struct pt_regs *registers, long result)                      \
	{                                                                                                    \
		return observe(SOCKWARD_PROBE_COMPAT_##CALL, compat_argument, registers, result, 0);         \
	}
#else
#define COMPAT_PROGRAM(CALL, call, observe)
#endif

/*
 * All programs of a call that takes a socket and an address. The fexit backend sees __sys_<call>, which
 * serves native and 32-bit callers alike. Its observer has the arguments already (core/address.bpf.h):
 *
 *   int observe(__u32 probe, struct socket_arguments *arguments, int result)
 */
#define ADDRESS_CALL_PROGRAMS(CALL, call, observe)                                                           \
	SEC("fexit/__sys_" #call)                                                                            \
	int BPF_PROG(call##_fexit, int fd, const void *address, int length, int result)                      \
	{                                                                                                    \
		struct socket_arguments arguments = {                                                        \
			.syscall = SOCKWARD_##CALL, .fd = fd, .address = address, .length = length};         \
                                                                                                             \
		note_seen(SOCKWARD_##CALL);                                                                  \
		return observe(SOCKWARD_##CALL, &arguments, normalise_result(result));                       \
	}                                                                                                    \
                                                                                                             \
	static __always_inline int call##_exit(__u32 probe, argument_reader argument_of,                     \
					       const struct pt_regs *registers, long result, __u32 flags)    \
	{                                                                                                    \
		struct socket_arguments arguments = {                                                        \
			.syscall = SOCKWARD_##CALL,                                                          \
			.fd = (int)argument_of(registers, 0),                                                \
			.address = (const void *)argument_of(registers, 1),                                  \
			.length = (int)argument_of(registers, 2),                                            \
			.flags = flags,                                                                      \
		};                                                                                           \
                                                                                                             \
		return observe(probe, &arguments, normalise_result(result));                                 \
	}                                                                                                    \
                                                                                                             \
	ENTRY_PROGRAM(CALL, call)                                                                            \
	EXIT_PROGRAMS(CALL, call, call##_exit)

#endif
