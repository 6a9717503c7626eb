/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an iterator writes of a bound socket, besides its name and its owner. */
#ifndef SOCKWARD_CORE_OPEN_SOCKET_H
#define SOCKWARD_CORE_OPEN_SOCKET_H

#include "core/bound_name.bpf.h"

/* What the iterators report about a socket file, besides its number. */
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

/* Connections that wait to be accepted, datagrams of AF_UNIX that wait to be read, and how many may. */
static __always_inline void fill_queue(struct sockward_open_socket *entry, struct sock *sk)
{
	entry->queue = 0;
	entry->backlog = 0;
	if (entry->state != TCP_LISTEN &&
	    (entry->type != SOCK_DGRAM || family_of(sk) != SOCKWARD_FAMILY_UNIX))
		return;
	/* An MPTCP socket listens by another one. */
	if (READ(sk, sk_protocol) == IPPROTO_MPTCP && family_of(sk) != SOCKWARD_FAMILY_UNIX &&
	    bpf_core_field_exists(struct mptcp_sock, first))
		sk = READ((struct mptcp_sock *)sk, first);
	entry->queue = family_of(sk) == SOCKWARD_FAMILY_UNIX ? READ(sk, sk_receive_queue.qlen)
							     : READ(sk, sk_ack_backlog);
	entry->backlog = READ(sk, sk_max_ack_backlog);
}

#endif
