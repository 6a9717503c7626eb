/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the kernel's memory: READ(pointer, field, field…) follows one pointer after the other, like
 * BPF_CORE_READ, and READ_BITFIELD(pointer, field) reads one of less than a byte. What cannot be read is 0.
 *
 * The programs are compiled twice (docs/adr/0012). With SOCKWARD_CAN_CAST a pointer is given the kernel's
 * type by bpf_rdonly_cast (6.2), and its fields are plain loads that the kernel guards: some ten instructions
 * for a field, not the hundred of a helper call. Without, for kernels that lack it or have no BTF of their
 * own, each field is such a call. A pointer that was cast is untrusted to the verifier: unlike a trusted one,
 * it does not make the verifier look for a type by its name at each step, which takes it a millisecond.
 */
#ifndef SOCKWARD_CORE_READ_H
#define SOCKWARD_CORE_READ_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <sockward/settings.h>

/*
 * A pointer without its type: global functions take and return numbers only. The verifier knows nothing of a
 * value that was negated, even if that was a pointer (kernel/bpf/verifier.c, check_alu_op; CAP_PERFMON).
 */
static __always_inline __u64 number_of_typed(const void *pointer)
{
	__u64 number = (__u64)pointer;

	asm volatile("%0 = -%0; %0 = -%0" : "+r"(number));
	return number;
}

#ifdef SOCKWARD_CAN_CAST
/*
 * The agent puts the kernel's function into the place of this number before it opens the object: declared as
 * an extern, libbpf 1.1 cannot link it out of two files.
 */
static void *(*const bpf_rdonly_cast)(const void *object, __u32 type) = (void *)SOCKWARD_CAST_CALL;

#define TYPED(pointer)                                                                                       \
	((typeof(*(pointer)) *)bpf_rdonly_cast((const void *)(pointer),                                      \
					       bpf_core_type_id_kernel(typeof(*(pointer)))))
#define READ(pointer, ...) ___arrow(TYPED(pointer), __VA_ARGS__)
#define READ_BITFIELD(pointer, field)                                                                        \
	({                                                                                                   \
		typeof(pointer) typed_pointer = TYPED(pointer);                                              \
                                                                                                             \
		BPF_CORE_READ_BITFIELD(typed_pointer, field);                                                \
	})

/* The pointer at this address. */
static __always_inline void *pointer_at(const void *address)
{
	return (void *)READ((struct timespec64 *)address, tv_sec);
}

static __always_inline __u64 number_of(const void *pointer)
{
	return number_of_typed(pointer);
}
#else
#define READ(pointer, ...) BPF_CORE_READ(pointer, __VA_ARGS__)
#define READ_BITFIELD(pointer, field) BPF_CORE_READ_BITFIELD_PROBED(pointer, field)

static __always_inline void *pointer_at(const void *address)
{
	void *pointer = 0;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), address);
	return pointer;
}

/* Of a pointer that was read: it has no type. One that the kernel handed over: number_of_typed(). */
static __always_inline __u64 number_of(const void *pointer)
{
	return (__u64)pointer;
}
#endif

#endif
