// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The end of a process that is watched (core/watch.bpf.h): its last thread exits. Its files are closed a moment later. */
#include "core/emit.bpf.h"
#include "core/watch.bpf.h"

#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sockward_process_exit);
} exit_scratch SEC(".maps");

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_btf, struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), slot = 0, watch;
	struct sockward_process_exit *call;
	struct watched_process *known;
	int status;

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	known = bpf_map_lookup_elem(&watched, &tgid);
	if (!known)
		return 0;
	watch = known->watch;
	if (known->leader_start_ns != BPF_CORE_READ(task, group_leader, start_boottime))
		watch = 0;
	bpf_map_delete_elem(&watched, &tgid);
	call = bpf_map_lookup_elem(&exit_scratch, &slot);
	if (!call || !watch || !settings.watch_processes)
		return 0;
	status = BPF_CORE_READ(task, signal, group_exit_code);
	if (!status)
		status = BPF_CORE_READ(task, exit_code);
	fill_header(&call->header, SOCKWARD_PROBE_EXIT, SOCKWARD_EXECVE, SOCKWARD_PROCESS_EXIT, 0);
	call->status = status;
	call->watch = watch;
	emit(&call->header, sizeof(*call));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
