/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes whose end is reported: few, for every exit of the machine is looked up here. */
#ifndef SOCKWARD_CORE_WATCH_H
#define SOCKWARD_CORE_WATCH_H

#include "core/task.bpf.h"

struct watched_process {
	__u64 leader_start_ns; /* a pid may be used again */
	__u32 watch; /* enum sockward_watch */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* tgid */
	__type(value, struct watched_process);
} watched __weak SEC(".maps");

static __always_inline void watch_process(__u32 why)
{
	struct task_struct *task = current_task();
	struct watched_process process = {.watch = why}, *known;
	__u32 tgid = FOLLOW(task, tgid);

	process.leader_start_ns = FOLLOW(task, group_leader, start_boottime);
	known = bpf_map_lookup_elem(&watched, &tgid);
	if (known && known->leader_start_ns == process.leader_start_ns) {
		if ((known->watch & why) == why)
			return;
		process.watch |= known->watch;
	}
	bpf_map_update_elem(&watched, &tgid, &process, BPF_ANY);
}

#endif
