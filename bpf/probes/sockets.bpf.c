// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Walks the open files of all processes on request and writes every bound socket with who has it open: the
 * holders of names, in every network namespace, in one pass. Sockets that no process has open (the kernel's
 * own, TIME_WAIT) are not here.
 */
#include "core/bound_name.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sockward_open_socket);
} walk_scratch SEC(".maps");

/* What a walk tells of a socket file beside its number. */
static __always_inline void fill_file(struct sockward_open_socket *entry, struct sock *sk)
{
	const char *address = 0;
	__u64 bytes;

	__builtin_memset(&entry->entry, 0, sizeof(entry->entry));
	entry->links = 0;
	entry->path_bytes = 0;
	entry->reserved = 0;
	if (entry->name.kind != SOCKWARD_NAME_PATH)
		return;
	entry_of_socket(sk, &entry->entry);
	entry->links = READ((struct unix_sock *)sk, path.dentry, d_inode, i_nlink);
	bytes = unix_address_of(sk, &address);
	if (bytes <= UNIX_PATH_OFFSET + 1)
		return;
	/* Its length counts the NUL. */
	bytes = at_most(bytes - UNIX_PATH_OFFSET - 1, UNIX_PATH_MAX);
	if (!bpf_probe_read_kernel(entry->path, bytes, address + UNIX_PATH_OFFSET))
		entry->path_bytes = bytes;
}

/* Connections that wait to be accepted, and how many may. */
static __always_inline void fill_queue(struct sockward_open_socket *entry, struct sock *sk)
{
	entry->queue = 0;
	entry->backlog = 0;
	if (entry->state != TCP_LISTEN)
		return;
	/* An MPTCP socket listens by another one. */
	if (READ(sk, sk_protocol) == IPPROTO_MPTCP && family_of(sk) != SOCKWARD_FAMILY_UNIX &&
	    bpf_core_field_exists(struct mptcp_sock, first))
		sk = READ((struct mptcp_sock *)sk, first);
	entry->queue = family_of(sk) == SOCKWARD_FAMILY_UNIX ? READ(sk, sk_receive_queue.qlen)
							     : READ(sk, sk_ack_backlog);
	entry->backlog = READ(sk, sk_max_ack_backlog);
}

SEC("iter/task_file")
int sockets_iter(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct sockward_open_socket *entry;
	struct file *file = context->file;
	struct socket *socket;
	__u32 slot = 0;
	struct sock *sk;

	if (!task || !file || (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = READ(file, private_data);
	if (!socket || READ(socket, file) != file)
		return 0;
	sk = READ(socket, sk);
	entry = bpf_map_lookup_elem(&walk_scratch, &slot);
	if (!sk || !entry || !name_of_socket(sk, &entry->name))
		return 0;
	fill_owner(&entry->owner, task, sk, file);
	fill_file(entry, sk);
	entry->fd = context->fd;
	entry->type = READ(sk, sk_type);
	entry->state = READ(sk, __sk_common.skc_state);
	fill_queue(entry, sk);
	bpf_seq_write(context->meta->seq, entry, sizeof(*entry));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
