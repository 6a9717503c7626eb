/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose failures are reported: every process's, those of one, or those of what the agent started and of its
 * descendants, whoever is their parent by now. A process is in the table from before its first instruction
 * (probes/descendants.bpf.c).
 */
#ifndef SOCKWARD_CORE_DESCENDANTS_H
#define SOCKWARD_CORE_DESCENDANTS_H

#include "core/task.bpf.h"

struct descendant {
	__u64 leader_start_ns; /* a pid may be used again; of process 0: how many found no room */
	__u64 ended; /* 1: its last thread has begun to exit; it is not reaped yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set at start */
	__type(key, __u32); /* tgid */
	__type(value, struct descendant);
} descendants __weak SEC(".maps");

/* Is the current process one of them? A function of its own: the verifier looks at it once. */
__weak __attribute__((noinline)) int is_descendant(void)
{
	struct task_struct *task = current_task();
	__u32 tgid = FOLLOW(task, tgid);
	struct descendant *known = bpf_map_lookup_elem(&descendants, &tgid);

	return known && known->leader_start_ns == FOLLOW(task, group_leader, start_boottime);
}

static __always_inline int process_wanted(void)
{
	if (settings.only_tgid && settings.only_tgid != (__u32)FOLLOW(current_task(), tgid))
		return 0;
	return !settings.tracer_pid || is_descendant();
}

#endif
