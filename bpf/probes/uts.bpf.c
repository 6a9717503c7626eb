// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Walks all processes on request and writes the UTS and the mount namespace of each: the node's host names,
 * and changes of mounts.
 */
#include "core/names.bpf.h"

SEC("iter/task")
int uts_iter(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct seq_file *seq = context->meta->seq;
	struct sockward_uts_entry entry = {};
	struct mnt_namespace *mounts;
	struct uts_namespace *uts;

	if (!task || task->pid != task->tgid)
		return 0;
	uts = FOLLOW(task, nsproxy, uts_ns);
	if (!uts) /* exiting */
		return 0;
	entry.utsns = FOLLOW(uts, ns.inum);
	entry.owner_userns = FOLLOW(uts, user_ns, ns.inum);
	entry.tgid = task->tgid;
	mounts = FOLLOW(task, nsproxy, mnt_ns);
	entry.mntns = FOLLOW(mounts, ns.inum);
	entry.mount_event = mount_event_of(mounts);
	entry.container_key = container_key_of(task);
	read_uts_name(uts, 0, entry.hostname);
	read_uts_name(uts, 1, entry.domainname);
	bpf_seq_write(seq, &entry, sizeof(entry));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
