/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Layers that refuse a call below the kernel's own checks: a security module's hook, BPF programs on a
 * cgroup. Their functions are watched (fexit backend), their refusals noted for the thread, and taken when
 * its call returns. A note is taken only by the very call: same number, same arguments, same error.
 */
#ifndef SOCKWARD_CORE_REFUSAL_H
#define SOCKWARD_CORE_REFUSAL_H

#include "core/arguments.bpf.h"
#include "core/count.bpf.h"

struct refusal {
	__u64 number, arguments[2];
	__s32 result;
	__u32 flag; /* enum sockward_flag */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* thread */
	__type(value, struct refusal);
} refusals __weak SEC(".maps");

static __always_inline void describe_current_call(struct refusal *refusal)
{
	const struct pt_regs *registers = caller_registers();

	refusal->number = call_number(registers);
	refusal->arguments[0] = argument(registers, 0);
	refusal->arguments[1] = argument(registers, 1);
}

static __always_inline int note_refusal(__u32 flag, int result)
{
	struct refusal refusal = {.result = result, .flag = flag};
	__u32 thread;

	if (result >= 0)
		return 0;
	thread = FOLLOW(current_task(), pid);
	describe_current_call(&refusal);
	bpf_map_update_elem(&refusals, &thread, &refusal, BPF_ANY);
	return 0;
}

/* When the call returns: who was seen to refuse it. 0: nobody. */
static __always_inline __u32 refusal_flag(int result)
{
	struct refusal here = {}, *noted;
	__u32 thread, flag = 0;

	if ((result != -EACCES && result != -EPERM) || !cpu_counters())
		return 0;
	thread = FOLLOW(current_task(), pid);
	noted = bpf_map_lookup_elem(&refusals, &thread);
	if (!noted)
		return 0;
	describe_current_call(&here);
	if (noted->result == result && noted->number == here.number &&
	    noted->arguments[0] == here.arguments[0] && noted->arguments[1] == here.arguments[1])
		flag = noted->flag;
	bpf_map_delete_elem(&refusals, &thread);
	return flag;
}

#endif
