// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Walks the open files of all processes on request and writes every bound socket with who has it open: the holders of
 * names, in every network namespace, in one pass. Sockets that no process has open (the kernel's own, TIME_WAIT) are not here.
 */
#include "core/bound_name.bpf.h"

SEC("iter/task_file")
int sockets_iter(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task, *leader;
	struct sockward_open_socket *entry;
	struct file *file = context->file;
	struct socket *socket;
	__u32 slot = 1;
	struct sock *sk;

	if (!task || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	entry = bpf_map_lookup_elem(&name_table_scratch, &slot);
	if (!sk || !entry || !name_of_socket(sk, &entry->name))
		return 0;
	leader = BPF_CORE_READ(task, group_leader);
	__builtin_memset(&entry->owner, 0, sizeof(entry->owner));
	entry->owner.leader_start_ns = BPF_CORE_READ(leader, start_boottime);
	entry->owner.container_key = container_key_of(task);
	entry->owner.socket_inode = BPF_CORE_READ(file, f_inode, i_ino);
	entry->owner.tgid = BPF_CORE_READ(task, tgid);
	entry->owner.uid = BPF_CORE_READ(task, cred, uid.val);
	entry->owner.pidns = pid_namespace_of(task);
	bpf_probe_read_kernel_str(entry->owner.comm, sizeof(entry->owner.comm), &leader->comm);
	entry->fd = context->fd;
	entry->type = BPF_CORE_READ(sk, sk_type);
	entry->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	bpf_seq_write(context->meta->seq, entry, sizeof(*entry));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
