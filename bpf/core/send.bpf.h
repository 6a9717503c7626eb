/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is done with a send of an AF_UNIX datagram socket, by whichever way it came. One without an address
 * goes to the peer that is connected: that one's name is the kernel's own.
 */
#ifndef SOCKWARD_CORE_SEND_H
#define SOCKWARD_CORE_SEND_H

#include "core/connect.bpf.h"

/*
 * A peer that was found to have gone: when the send returns, the kernel has forgotten it
 * (net/unix/af_unix.c, unix_dgram_sendmsg).
 */
struct gone_peer {
	__u64 sk; /* the socket that was connected to it */
	__u32 length; /* of the address */
	__u32 reserved; /* 0 */
	__u8 address[UNIX_ADDRESS_MAX + 2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32); /* thread */
	__type(value, struct gone_peer);
} gone_peers __weak SEC(".maps");

static __always_inline int sends_datagrams(struct sock *sk)
{
	return family_of(sk) == SOCKWARD_FAMILY_UNIX && READ(sk, sk_type) == SOCK_DGRAM;
}

/* SOCKWARD_SEND_BUFFER_FULL: the kernel waits, or says EAGAIN (net/core/sock.c, sock_alloc_send_pskb). */
static __always_inline __u32 buffer_flag(struct sock *sk)
{
	/* As sk_wmem_alloc_get() has it. */
	int under_way = READ(sk, sk_wmem_alloc.refs.counter) - 1;

	return under_way >= READ(sk, sk_sndbuf) ? SOCKWARD_SEND_BUFFER_FULL : 0;
}

/* As unix_recvq_full() has it. */
static __always_inline __u32 queue_flag(struct sock *peer)
{
	return READ(peer, sk_receive_queue.qlen) > READ(peer, sk_max_ack_backlog) ? SOCKWARD_PEER_QUEUE_FULL
										  : 0;
}

/*
 * Copies the name of the peer that is connected, or was until now, into the area. Returns its bytes, and
 * flags above 32 bits. This and the next one are functions of their own for the verifier's sake.
 */
__weak __attribute__((noinline)) __u64 copy_peer_address(__u32 area, __u64 socket, int result)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct sock *peer = (struct sock *)number_of(READ((struct unix_sock *)socket, peer));
	__u32 thread = FOLLOW(current_task(), pid), flags = SOCKWARD_ADDRESS_OF_PEER;
	struct gone_peer *gone;
	const char *name = 0;
	__u64 bytes;
	int length;

	if (!scratch)
		return 0;
	if (peer) {
		flags |= queue_flag(peer);
		length = unix_address_of(peer, &name);
		bytes = copy_kept_address(scratch->data, name, length, &flags);
		return (__u64)flags << 32 | bytes;
	}
	/* With this error the note is of this very call. */
	gone = result == -ECONNREFUSED ? bpf_map_lookup_elem(&gone_peers, &thread) : 0;
	if (!gone || gone->sk != socket)
		return (__u64)(flags | SOCKWARD_ADDRESS_FAULT) << 32;
	bytes = copy_kept_address(scratch->data, gone->address, gone->length, &flags);
	return (__u64)flags << 32 | bytes;
}

/* The flags of a send that found no room. */
__weak __attribute__((noinline)) __u32 room_flags(__u64 socket, int result)
{
	return result == -EAGAIN ? buffer_flag((struct sock *)socket) : 0;
}

/* Is a record of the failure asked for? Without any address only where the settings ask for its errno. */
static __always_inline int send_wanted(__u32 probe, struct socket_scratch *scratch,
				       struct socket_arguments *arguments, int result)
{
	if (errno_wanted(result))
		return 1;
	if (!arguments->copied)
		return 0;
	return failure_wanted(probe, SOCKWARD_CONNECT, SOCKWARD_FAMILY_UNIX, arguments, result) ||
		unix_failure_matters(arguments, result) ||
		(fills_address(arguments) && path_fills_all(probe, scratch, arguments));
}

/* sk: of AF_UNIX, and for datagrams. has_address: the caller gave one. */
static __always_inline int observe_send(__u32 probe, struct sock *sk, struct socket_arguments *arguments,
					int has_address, int result)
{
	struct socket_scratch *scratch;
	__u64 of_peer;

	arguments->family = SOCKWARD_FAMILY_UNIX;
	arguments->container_key = count_call(arguments->syscall, SOCKWARD_FAMILY_UNIX, result);
	if (result >= 0)
		return 0;
	scratch = socket_scratch_of(probe);
	if (!scratch)
		return 0;
	if (has_address) {
		arguments->copied = copy_passed_address(scratch->data, arguments, &arguments->flags);
	} else {
		of_peer = copy_peer_address(SOCKET_AREA(probe), number_of(sk), result);
		arguments->copied = (__u32)of_peer;
		arguments->flags |= of_peer >> 32;
	}
	arguments->is_copied = 1;
	arguments->flags |= room_flags(number_of(sk), result);
	if (syscall_wanted(arguments->syscall) && send_wanted(probe, scratch, arguments, result))
		emit_socket_call(scratch, probe, arguments, sk, result);
	return 0;
}

#endif
