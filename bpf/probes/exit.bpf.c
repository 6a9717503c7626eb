// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of a process that is watched (core/watch.bpf.h): its last thread exits. Its files are closed a
 * moment later.
 */
#include "core/emit.bpf.h"
#include "core/message.bpf.h"
#include "core/watch.bpf.h"

#include <bpf/bpf_tracing.h>

struct exit_scratch {
	struct sockward_process_exit call;
	char message[SOCKWARD_MESSAGE_MAX + MESSAGE_HALF]; /* slack, as struct message has it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exit_scratch);
} exit_scratch SEC(".maps");

/* Copies what the process wrote last behind the record, the older half first. Returns its bytes. */
static __always_inline __u64 append_message(struct exit_scratch *scratch, __u32 tgid)
{
	struct message *message = bpf_map_lookup_elem(&messages, &tgid);
	__u64 older, newer;
	__u32 half;

	if (!message)
		return 0;
	half = message->half & 1;
	older = at_most(message->lengths[half ^ 1], MESSAGE_HALF);
	newer = at_most(message->lengths[half], MESSAGE_HALF);
	bpf_probe_read_kernel(scratch->message, older, message->text[half ^ 1]);
	bpf_probe_read_kernel(&scratch->message[older], newer, message->text[half]);
	bpf_map_delete_elem(&messages, &tgid);
	return older + newer;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_btf, struct task_struct *task)
{
	__u32 tgid = FOLLOW(task, tgid), slot = 0, watch;
	struct exit_scratch *scratch;
	__u64 bytes = 0;
	struct watched_process *known;
	int status;

	if (FOLLOW(task, signal, live.counter) > 0)
		return 0;
	known = bpf_map_lookup_elem(&watched, &tgid);
	if (!known || !cpu_counters())
		return 0;
	watch = known->watch;
	if (known->leader_start_ns != FOLLOW(task, group_leader, start_boottime))
		watch = 0;
	bpf_map_delete_elem(&watched, &tgid);
	if (watch != SOCKWARD_WATCH_BINDER && !process_wanted())
		watch &= SOCKWARD_WATCH_BINDER; /* only that it ended is of use */
	scratch = bpf_map_lookup_elem(&exit_scratch, &slot);
	if (!scratch || !watch || !settings.watch_processes)
		return 0;
	status = FOLLOW(task, signal, group_exit_code);
	if (!status)
		status = FOLLOW(task, exit_code);
	if (watch & SOCKWARD_WATCH_MESSAGE) {
		if (status)
			bytes = append_message(scratch, tgid);
		else
			bpf_map_delete_elem(&messages, &tgid);
		if (!bytes && watch == SOCKWARD_WATCH_MESSAGE)
			return 0;
	}
	fill_header(&scratch->call.header, SOCKWARD_PROBE_EXIT, SOCKWARD_EXECVE, SOCKWARD_PROCESS_EXIT, 0);
	scratch->call.status = status;
	scratch->call.watch = watch;
	scratch->call.message_bytes = bytes;
	emit(&scratch->call.header, sizeof(scratch->call) + bytes);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
