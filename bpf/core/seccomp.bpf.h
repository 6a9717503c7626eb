/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts of seccomp filters, as far as tracepoints see them: a refused call has an exit without an entry
 * (kernel/entry/common.c, syscall_trace_enter: the filter comes first). Entries are noted only for tasks that
 * have a filter; for all others this costs a look at one field.
 */
#ifndef SOCKWARD_CORE_SECCOMP_H
#define SOCKWARD_CORE_SECCOMP_H

#include "core/count.bpf.h"

#define SECCOMP_MODE_FILTER 2

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* pid and tgid */
	__type(value, __u32); /* number of the call */
} entered __weak SEC(".maps");

/* A function of its own: the verifier looks at it once. */
__weak __attribute__((noinline)) int has_seccomp_filter(void)
{
	if (!bpf_core_field_exists(struct task_struct, seccomp))
		return 0;
	return FOLLOW(current_task(), seccomp.mode) == SECCOMP_MODE_FILTER;
}

static __always_inline int note_entry(__u32 call)
{
	__u64 task;

	if (!has_seccomp_filter())
		return 0;
	task = bpf_get_current_pid_tgid();
	bpf_map_update_elem(&entered, &task, &call, BPF_ANY);
	return 0;
}

/*
 * The fexit backend never sees a call that a filter refused. With probes.seccomp_denied its programs note the
 * calls they saw, and a program on the exit tracepoint (<call>_denied_tp) counts and reports those that
 * nobody noted.
 */
static __always_inline void note_seen(__u32 call)
{
	if (settings.seccomp_denied)
		note_entry(call);
}

/* At exit: SOCKWARD_SECCOMP_REFUSED when the call never began. */
static __always_inline __u32 seccomp_flag(__u32 call)
{
	__u64 task;
	__u32 *known;

	if (!has_seccomp_filter() || !cpu_counters())
		return 0;
	task = bpf_get_current_pid_tgid();
	known = bpf_map_lookup_elem(&entered, &task);
	if (known && *known == call) {
		bpf_map_delete_elem(&entered, &task);
		return 0;
	}
	return SOCKWARD_SECCOMP_REFUSED;
}

#endif
