/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arguments of a system call, from the caller's saved registers. */
#ifndef SOCKWARD_CORE_ARGUMENTS_H
#define SOCKWARD_CORE_ARGUMENTS_H

#include "core/task.bpf.h"

/* What a sys_exit_* tracepoint hands to its programs (stable: events/syscalls/sys_exit_bind/format). */
struct sys_exit_context {
	__u64 common;
	__s64 id;
	__s64 result;
};

/* The same for sys_enter_*. */
struct sys_enter_context {
	__u64 common;
	__s64 id;
	__u64 arguments[6];
};

/* Name of a system call's entry function, which takes the registers as its only argument. */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FEXIT(name) SEC("fexit/__x64_sys_" #name)
#define SYSCALL_FENTRY(name) SEC("fentry/__x64_sys_" #name)
#define KERNEL_STACK_BYTES 16384
/* The same of 32-bit callers; on arm64 both come through one function. */
#define COMPAT_FEXIT(name) SEC("fexit/__ia32_sys_" #name)
#define COMPAT_FENTRY(name) SEC("fentry/__ia32_sys_" #name)
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_FEXIT(name) SEC("fexit/__arm64_sys_" #name)
#define SYSCALL_FENTRY(name) SEC("fentry/__arm64_sys_" #name)
#define KERNEL_STACK_BYTES 16384
#endif

/* Since 5.15 the registers can be had as a typed pointer. */
static __always_inline int has_typed_registers(void)
{
#ifdef SOCKWARD_CAN_CAST
	return 1;
#endif
	return settings.kernel_types && bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs);
}

/* Registers of the caller in user mode. Still whole when the call returns, but for the result. */
static __always_inline const struct pt_regs *caller_registers(void)
{
	if (has_typed_registers())
		return (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return (const void *)FOLLOW(current_task(), stack) + KERNEL_STACK_BYTES -
		bpf_core_type_size(struct pt_regs);
}

/* Then every pointer to registers here is a typed one, whose fields are plain loads. */
#define READ_REGISTER(registers, field) (has_typed_registers() ? (registers)->field : READ(registers, field))

/* number is a constant, 0..5. */
static __always_inline __u64 argument(const struct pt_regs *registers, int number)
{
#if defined(__TARGET_ARCH_x86)
	switch (number) {
	case 0:
		return READ_REGISTER(registers, di);
	case 1:
		return READ_REGISTER(registers, si);
	case 2:
		return READ_REGISTER(registers, dx);
	case 3:
		return READ_REGISTER(registers, r10);
	case 4:
		return READ_REGISTER(registers, r8);
	default:
		return READ_REGISTER(registers, r9);
	}
#else
	if (number == 0)
		return READ_REGISTER(registers, orig_x0);
	return READ_REGISTER(registers, regs[number]);
#endif
}

#ifdef COMPAT_FEXIT
/*
 * Of a 32-bit caller (arch/x86/include/asm/syscall_wrapper.h, SC_IA32_REGS_TO_ARGS).
 * number is a constant, 0..4.
 */
static __always_inline __u64 compat_argument(const struct pt_regs *registers, int number)
{
	switch (number) {
	case 0:
		return (__u32)READ_REGISTER(registers, bx);
	case 1:
		return (__u32)READ_REGISTER(registers, cx);
	case 2:
		return (__u32)READ_REGISTER(registers, dx);
	case 3:
		return (__u32)READ_REGISTER(registers, si);
	default:
		return (__u32)READ_REGISTER(registers, di);
	}
}
#endif

/* One of the two: native, and 32-bit. */
typedef __u64 (*argument_reader)(const struct pt_regs *, int);

static __always_inline __u64 call_number(const struct pt_regs *registers)
{
#if defined(__TARGET_ARCH_x86)
	return READ_REGISTER(registers, orig_ax);
#else
	return READ_REGISTER(registers, syscallno);
#endif
}

#endif
