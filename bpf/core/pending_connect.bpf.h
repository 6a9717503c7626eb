/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP connects whose SYN was sent and that have not ended. An end comes at any time, in the context of
 * whatever the CPU was doing: who asked is remembered from the beginning. Each entry is taken out once, by
 * whoever deletes it, and that one tells the end.
 */
#ifndef SOCKWARD_CORE_PENDING_CONNECT_H
#define SOCKWARD_CORE_PENDING_CONNECT_H

#include "core/address.bpf.h"

struct pending_connect {
	struct sockward_header header; /* of who asked; time_ns: when the first SYN was sent */
	/*
	 * 1 until the connect(2) that began it returns: it tells the end, if that is there by then. So long
	 * the header has no more than the time, the container and the task.
	 */
	__u64 in_call;
	__u64 ended_ns; /* it came to nothing inside the call; 0: not */
	__u64 ends; /* 1 from then on; written atomically, which orders what is around it */
	__s32 result; /* then: -errno, as a record has it */
	__u32 syns;
	__s32 fd; /* -1: not known */
	__u32 answered; /* sockward_socket_call.answered */
	/*
	 * What ICMP said inside the call. The kernel goes on all the same, but SO_ERROR tells the program,
	 * which closes the socket then.
	 */
	__s32 soft_error;
	__u32 process_wanted; /* of who asked, as it may be gone when this ends */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* struct sock * */
	__type(value, struct pending_connect);
} pending_connects __weak SEC(".maps");

/* What a program still has to fetch. */
struct told_connect {
	__u64 inode; /* of the socket: its memory may be another one's by now */
	__s64 result; /* -errno */
};

/*
 * Sockets whose end was told before the program asked for it: a later connect(2) returns the same error once
 * more, which is no other failure.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* struct sock * */
	__type(value, struct told_connect);
} told_connects __weak SEC(".maps");

static __always_inline __u64 inode_of_socket(struct sock *sk)
{
	return READ(sk, sk_socket, file, f_inode, i_ino);
}

/* enum sockward_outcome of a connect that did not succeed; error: of the socket, 0 or more. */
static __always_inline __u32 outcome_of_error(int error)
{
	switch (error) {
	case 0: /* closed, shut down or disconnected before an answer */
	case ECANCELED:
	case ECONNABORTED: /* by `ss -K` */
		return SOCKWARD_OUTCOME_GIVEN_UP;
	case ECONNREFUSED:
	case ECONNRESET:
		return SOCKWARD_OUTCOME_REFUSED;
	case ETIMEDOUT:
		return SOCKWARD_OUTCOME_TIMED_OUT;
	default: /* what ICMP says (net/ipv4/icmp.c, icmp_err_convert) */
		return SOCKWARD_OUTCOME_UNREACHABLE;
	}
}

static __always_inline void count_outcome(__u32 family, __u32 outcome, __u64 container_key)
{
	struct sockward_cpu_counters *block = cpu_counters();
	__u32 row = sockward_outcome_row(family);

	if (!block)
		return;
	add_one(&block->calls[at_most(row, SOCKWARD_ROWS - 1)][at_most(outcome, SOCKWARD_OUTCOMES - 1)]);
	count_source(block, container_key, row, outcome);
}

/* The socket whose state shows how the connect goes: MPTCP has one of its own for that. 0: not TCP. */
static __always_inline __u64 tcp_of(struct sock *sk)
{
	if (READ(sk, sk_type) != SOCK_STREAM)
		return 0;
	switch (READ(sk, sk_protocol)) {
	case IPPROTO_TCP:
		return number_of(sk);
	case IPPROTO_MPTCP:
		if (bpf_core_field_exists(struct mptcp_sock, first))
			return number_of(READ((struct mptcp_sock *)sk, first));
	}
	return 0;
}

/* Where the socket connects to, as a sockaddr. Returns its bytes. */
static __always_inline __u64 peer_address_of(__u8 *data, struct sock *sk, __u32 family)
{
	__builtin_memset(data, 0, 32);
	*(__u16 *)data = READ(sk, __sk_common.skc_family);
	*(__u16 *)(data + 2) = READ(sk, __sk_common.skc_dport);
	if (family != SOCKWARD_FAMILY_INET6) {
		bpf_core_read(data + 4, 4, &sk->__sk_common.skc_daddr);
		return 16;
	}
	bpf_core_read(data + 8, 16, &sk->__sk_common.skc_v6_daddr);
	if (data[8] == 0xfe && (data[9] & 0xc0) == 0x80)
		bpf_core_read(data + 24, 4, &sk->__sk_common.skc_bound_dev_if);
	return 28;
}

static __always_inline int outcome_wanted(int result, __u64 elapsed_ns)
{
	if (!((settings.report_syscalls >> SOCKWARD_CONNECT) & 1))
		return 0;
	if (result == -ECANCELED && elapsed_ns < settings.given_up_ms * 1000000ULL)
		return 0;
	return settings.report_unix_missing || errno_wanted(result);
}

/* The record of a connect that has ended without one: from the entry, which is in the area already. */
static __always_inline void emit_ending(struct socket_scratch *scratch, __u32 probe, struct sock *sk)
{
	const __u32 area = SOCKET_AREA(probe);
	struct sockward_socket_call *call = &scratch->call;
	__u32 family = family_of(sk);
	__u64 bytes = peer_address_of(scratch->data, sk, family);
	int suppressed =
		socket_suppressed(area, call->header.container_key, sockward_row(SOCKWARD_CONNECT, family),
				  errno_slot(call->header.result), bytes);

	if (suppressed < 0)
		return;
	call->header.suppressed = suppressed;
	call->header.cpu = bpf_get_smp_processor_id();
	call->header.probe = probe;
	call->header.flags |= SOCKWARD_ADDRESS_KERNEL;
	call->address_length = bytes;
	call->address_bytes = bytes;
	fill_socket_call(area, number_of(sk), SOCKWARD_CONNECT);
	emit(&call->header, sizeof(*call) + at_most(bytes, 28));
}

static __always_inline void fill_ending(struct connect_ending *ending, const struct pending_connect *pending,
					__u64 now)
{
	ending->elapsed_ns = now - pending->header.time_ns;
	ending->syns = pending->syns;
	ending->outcome = outcome_of_error(-pending->result);
	ending->answered = pending->answered;
}

/* Takes the entry out and reports the end. 0: somebody else did. */
static __always_inline int tell_ending(__u32 probe, __u64 socket, const struct pending_connect *pending,
				       __u64 now)
{
	struct socket_scratch *scratch = socket_scratch_of(probe);
	struct sock *sk = (struct sock *)socket;
	struct sockward_header *header;
	int result = pending->result, wanted = pending->process_wanted;
	struct told_connect told = {.result = result};

	if (!scratch)
		return 0;
	header = &scratch->call.header;
	__builtin_memset(&scratch->call, 0, sizeof(scratch->call));
	bpf_probe_read_kernel(header, sizeof(*header), &pending->header);
	scratch->call.fd = pending->fd;
	fill_ending(&scratch->ending, pending, now);
	if (bpf_map_delete_elem(&pending_connects, &socket))
		return 0;
	header->time_ns = now;
	header->result = result;
	if (wanted && outcome_wanted(result, scratch->ending.elapsed_ns))
		emit_ending(scratch, probe, sk);
	told.inode = inode_of_socket(sk);
	if (result != -ECANCELED && told.inode)
		bpf_map_update_elem(&told_connects, &socket, &told, BPF_ANY);
	return 1;
}

#endif
