/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the return of a connect(2) says of a TCP connection. */
#ifndef SOCKWARD_CORE_CONNECT_RETURN_H
#define SOCKWARD_CORE_CONNECT_RETURN_H

#include "core/pending_connect.bpf.h"

enum {
	CONNECT_OTHER = 0, /* no record but the call's own, if it failed */
	CONNECT_TELL = 1, /* it ended inside a call that does not say so */
	CONNECT_TOLD = 2, /* it was told before that it ended */
};

/* A failure of which no connect is pending: was it told, or was no SYN sent at all? */
static __always_inline int failed_without_entry(struct sock *sk, __u64 tcp, int result)
{
	struct told_connect *told = bpf_map_lookup_elem(&told_connects, &tcp);

	/* ECONNABORTED: SO_ERROR has fetched it already (net/ipv4/af_inet.c, __inet_stream_connect). */
	if (told && told->inode == inode_of_socket((struct sock *)tcp) &&
	    (result == told->result || result == -ECONNABORTED)) {
		bpf_map_delete_elem(&told_connects, &tcp);
		return CONNECT_TOLD;
	}
	if (result == -EHOSTUNREACH || result == -ENETUNREACH)
		count_outcome(family_of(sk), SOCKWARD_OUTCOME_UNREACHABLE, current_container_key());
	return CONNECT_OTHER;
}

/* Does the call say that it goes on, or that it was interrupted? It may have ended all the same. */
static __always_inline int goes_on(int result)
{
	return result >= 0 || result == -EINPROGRESS || result == -EINTR || result == -EAGAIN;
}

/*
 * Called for each connect of an internet socket. What the area knows of the end goes into the call's own
 * record. A function of its own: the verifier looks at it once.
 */
__weak __attribute__((noinline)) int connect_returned(__u32 area, __u64 socket, int result)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct pending_connect *pending;
	__u64 tcp = tcp_of((struct sock *)socket);

	if (!scratch)
		return CONNECT_OTHER;
	__builtin_memset(&scratch->ending, 0, sizeof(scratch->ending));
	if (!tcp || !cpu_counters())
		return CONNECT_OTHER;
	pending = bpf_map_lookup_elem(&pending_connects, &tcp);
	if (!pending)
		return goes_on(result) ? CONNECT_OTHER
				       : failed_without_entry((struct sock *)socket, tcp, result);
	if (!pending->in_call || pending->header.tid != (__u32)FOLLOW(current_task(), pid))
		return CONNECT_OTHER;
	/* The end will come without the caller, or is not the call's result: who called is known only now. */
	if (goes_on(result) || !*(volatile __u64 *)&pending->ended_ns)
		fill_actor(&pending->header, current_task());
	/* Atomic for the order: the end is written before in_call is looked at (probes/outcome.bpf.c). */
	__sync_fetch_and_add(&pending->in_call, -1);
	if (!*(volatile __u64 *)&pending->ended_ns) {
		pending->soft_error = READ((struct sock *)tcp, sk_err_soft);
		return CONNECT_OTHER;
	}
	if (goes_on(result))
		return CONNECT_TELL;
	fill_ending(&scratch->ending, pending, pending->ended_ns);
	return bpf_map_delete_elem(&pending_connects, &tcp) ? CONNECT_TOLD : CONNECT_OTHER;
}

/* 1: the call itself has nothing more to tell. */
static __always_inline int settle_connect(__u32 probe, struct sock *sk, int result)
{
	int what = connect_returned(SOCKET_AREA(probe), number_of(sk), result);
	struct pending_connect *pending;
	__u64 tcp;

	if (what != CONNECT_TELL)
		return what == CONNECT_TOLD;
	tcp = tcp_of(sk);
	pending = bpf_map_lookup_elem(&pending_connects, &tcp);
	if (pending)
		tell_ending(probe, tcp, pending, pending->ended_ns);
	return 1;
}

#endif
