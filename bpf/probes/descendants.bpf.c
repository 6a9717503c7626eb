// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The descendants of the agent (core/descendants.bpf.h): a process is one when the agent forks it, or when
 * one of them does. These programs are loaded only where settings.tracer_pid is set.
 */
#include "core/descendants.bpf.h"

#include <bpf/bpf_tracing.h>

#define CLONE_THREAD 0x00010000

/* The number that its pid namespace gives a process. */
static __always_inline __u32 number_in_namespace(struct task_struct *leader)
{
	struct pid *typed = FOLLOW(leader, thread_pid), *pid = (struct pid *)number_of_typed(typed);
	__u32 level = FOLLOW(typed, level);
	const void *entry = (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid);

	return READ((struct upid *)entry, nr);
}

static __always_inline int is_tracer(struct task_struct *task)
{
	return number_in_namespace(FOLLOW(task, group_leader)) == settings.tracer_pid &&
		pid_namespace_of(task) == settings.tracer_pidns;
}

/* In the context of who forks, before the new task runs. A new thread is of a process that is known. */
SEC("tp_btf/task_newtask")
int BPF_PROG(fork_btf, struct task_struct *task, unsigned long flags)
{
	__u32 tgid = FOLLOW(task, tgid), nobody = 0;
	struct descendant fresh = {}, *lost;

	if ((flags & CLONE_THREAD) || (!is_descendant() && !is_tracer(current_task())))
		return 0;
	fresh.leader_start_ns = FOLLOW(task, start_boottime);
	if (!bpf_map_update_elem(&descendants, &tgid, &fresh, BPF_ANY))
		return 0;
	lost = bpf_map_lookup_elem(&descendants, &nobody);
	if (lost)
		__sync_fetch_and_add(&lost->leader_start_ns, 1);
	return 0;
}

/* Its sockets are closed after this, and connects given up: it stays one of them. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(end_btf, struct task_struct *task)
{
	__u32 tgid = FOLLOW(task, tgid);
	struct descendant *known = bpf_map_lookup_elem(&descendants, &tgid);

	if (known && FOLLOW(task, signal, live.counter) <= 0 &&
	    known->leader_start_ns == FOLLOW(task, group_leader, start_boottime))
		known->ended = 1;
	return 0;
}

/* It was reaped, and nothing can fail for it any more. Its pid may be another's by now. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(reap_btf, struct task_struct *task)
{
	__u32 tgid = FOLLOW(task, tgid);
	struct descendant *known;

	if (tgid != (__u32)FOLLOW(task, pid))
		return 0;
	known = bpf_map_lookup_elem(&descendants, &tgid);
	if (known && known->leader_start_ns == FOLLOW(task, start_boottime))
		bpf_map_delete_elem(&descendants, &tgid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
