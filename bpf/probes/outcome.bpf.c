// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How TCP connects end: established, refused, unreachable, timed out, given up. Counted: each one whose SYN
 * was sent, by whichever call (connect, io_uring, sendto with MSG_FASTOPEN, 32-bit or not). Reported: those
 * that came to nothing after connect(2) had returned, or inside one that says EINPROGRESS; what the call says
 * itself is reported by its own probe.
 *
 * The states of the socket tell: SYN_SENT comes in the context of who asks, and what follows it in any
 * (net/ipv4/tcp.c, tcp_set_state; net/ipv4/af_inet.c, inet_sk_state_store).
 */
#include "core/pending_connect.bpf.h"

#include <bpf/bpf_tracing.h>

#define SO_EE_ORIGIN_ICMP 2 /* include/uapi/linux/errqueue.h */
#define PF_IO_WORKER 0x00000010 /* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

#if defined(__TARGET_ARCH_x86)
#define CALL_CONNECT 42 /* arch/x86/entry/syscalls */
#define CALL_URING_ENTER 426
#define COMPAT_CONNECT 362
#define COMPAT_SOCKETCALL 102
#define SOCKETCALL_CONNECT 3 /* include/uapi/linux/net.h, SYS_CONNECT */
#else
#define CALL_CONNECT 203 /* include/uapi/asm-generic/unistd.h */
#define CALL_URING_ENTER 426
#endif

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pending_connect);
} pending_scratch SEC(".maps");

/* Is the current call a connect(2) whose return a program sees? */
static __always_inline int is_seen_connect(const struct pt_regs *registers, int compat)
{
	__u64 number = call_number(registers);

#ifdef COMPAT_CONNECT
	if (compat)
		return settings.compat_connects &&
			(number == COMPAT_CONNECT ||
			 (number == COMPAT_SOCKETCALL &&
			  compat_argument(registers, 0) == SOCKETCALL_CONNECT));
#endif
	return number == CALL_CONNECT;
}

/*
 * Who connects, and by which way. Of a connect(2) whose return a program sees only what an end inside the
 * call needs: most connects end there, and the return fills in the rest of the others
 * (core/connect_return.bpf.h).
 * 0: the kernel itself, or it adds a path to an MPTCP connection.
 */
static __always_inline int fill_pending(struct pending_connect *pending, struct sock *sk)
{
	const struct pt_regs *registers = caller_registers();
	struct sockward_header *header = &pending->header;
	struct task_struct *task = current_task();
	__u32 task_flags = READ(task, flags);
	int worker = (task_flags & PF_IO_WORKER) != 0, compat = is_compat_call();

	if ((task_flags & PF_KTHREAD) && !worker)
		return 0;
	__builtin_memset(pending, 0, sizeof(*pending));
	pending->process_wanted = process_wanted();
	pending->in_call = !worker && is_seen_connect(registers, compat);
	pending->fd = -1;
	if (!pending->in_call) {
		fill_header(header, SOCKWARD_PROBE_LATER_CONNECT, SOCKWARD_CONNECT, SOCKWARD_SOCKET_CALL, 0);
		if (worker || (!compat && call_number(registers) == CALL_URING_ENTER))
			header->via = SOCKWARD_VIA_IO_URING;
		return header->via == SOCKWARD_VIA_IO_URING ||
			!bpf_core_field_exists(struct tcp_sock, is_mptcp) ||
			!READ((struct tcp_sock *)sk, is_mptcp);
	}
	header->time_ns = bpf_ktime_get_ns();
	header->container_key = current_container_key();
	header->tgid = READ(task, tgid);
	header->tid = READ(task, pid);
	header->kind = SOCKWARD_SOCKET_CALL;
	header->syscall = SOCKWARD_CONNECT;
	header->via = compat ? SOCKWARD_VIA_COMPAT : SOCKWARD_VIA_SYSCALL;
	header->version = SOCKWARD_WIRE_VERSION;
	if (!compat)
		pending->fd = (int)argument(registers, 0);
	return 1;
}

static __always_inline int connect_begins(struct sock *sk)
{
	__u64 socket = number_of_typed(sk);
	struct sockward_cpu_counters *block = cpu_counters();
	struct pending_connect *pending;
	__u32 slot = 0;

	if (!block || READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	pending = bpf_map_lookup_elem(&pending_scratch, &slot);
	if (!pending || !fill_pending(pending, sk))
		return 0;
	if (bpf_map_update_elem(&pending_connects, &socket, pending, BPF_ANY))
		add_one(&block->connects_untracked);
	return 0;
}

/* The first SYN is about to be sent. */
SEC("fentry/tcp_connect")
int BPF_PROG(outcome_begin_fentry, struct sock *sk)
{
	return connect_begins(sk);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(outcome_begin_btf, struct sock *sk, int before, int after)
{
	return after == TCP_SYN_SENT ? connect_begins(sk) : 0;
}

#define MOST_FILES 64

/* Do both have the same destination address? */
static __always_inline int same_peer(struct sock *one, struct sock *other)
{
	__u64 left[2] = {}, right[2] = {};

	if (READ(one, __sk_common.skc_family) != READ(other, __sk_common.skc_family))
		return 0;
	if (READ(one, __sk_common.skc_family) == AF_INET)
		return READ(one, __sk_common.skc_daddr) == READ(other, __sk_common.skc_daddr);
	bpf_core_read(left, sizeof(left), &one->__sk_common.skc_v6_daddr);
	bpf_core_read(right, sizeof(right), &other->__sk_common.skc_v6_daddr);
	return left[0] == right[0] && left[1] == right[1];
}

/* Is this a TCP socket that is connected, or connecting, to the same port of another address? */
static __always_inline int goes_elsewhere(struct file *file, struct sock *sk)
{
	struct socket *opened;
	struct sock *other;
	__u8 state;

	if (!file || (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	opened = READ(file, private_data);
	other = READ(opened, sk);
	if (!other || READ(other, sk_protocol) != IPPROTO_TCP ||
	    READ(other, __sk_common.skc_dport) != READ(sk, __sk_common.skc_dport))
		return 0;
	state = READ(other, __sk_common.skc_state);
	return (state == TCP_ESTABLISHED || state == TCP_SYN_SENT) && !same_peer(sk, other);
}

/*
 * Has the program that closes this socket another one, for the same port of another address? A client that
 * tries IPv6 and IPv4 side by side (RFC 8305) closes the attempt that lost: nothing failed.
 */
__weak __attribute__((noinline)) int lost_a_race(__u64 socket)
{
	struct fdtable *table = FOLLOW(current_task(), files, fdt);
	struct file **slots = READ(table, fd);
	__u32 files = READ(table, max_fds);

	if (!table)
		return 0;
	SOCKWARD_ROLLED
	for (__u32 fd = 0; fd < MOST_FILES; fd++) {
		if (fd >= files)
			break;
		if (goes_elsewhere(pointer_at(&slots[fd]), (struct sock *)socket))
			return 1;
	}
	return 0;
}

/* What ICMP said last to an IPv4 socket (net/ipv4/tcp_ipv4.c, tcp_v4_err, since 5.8). 0: nothing. */
static __always_inline int icmp_error_of(struct sock *sk)
{
	struct sock_exterr_skb *said;

	if (!bpf_core_type_exists(struct sock_exterr_skb) || !READ(sk, sk_error_queue.qlen))
		return 0;
	said = (struct sock_exterr_skb *)(number_of(READ(sk, sk_error_queue.prev)) +
					  bpf_core_field_offset(struct sk_buff, cb));
	return READ(said, ee.ee_origin) == SO_EE_ORIGIN_ICMP ? READ(said, ee.ee_errno) : 0;
}

/*
 * The error of a socket that has none any more. The kernel wakes who waits before it changes the state:
 * always of what ICMP says to an IPv4 socket, which it puts into a queue first; before 6.10 also of a timeout
 * and of ICMPv6. A program on another CPU may so have fetched the error before the state changes. A program
 * that gives up holds the socket; the kernel does not. 0: the program gave up.
 */
static __always_inline int fetched_error(struct sock *sk, __u32 syns, int answered)
{
	int error = icmp_error_of(sk);

	if (error || READ(sk, sk_lock.owned))
		return error;
	if (answered) /* by a reset */
		return ECONNREFUSED;
	return syns > 1 ? ETIMEDOUT : EHOSTUNREACH;
}

/* The entry is this connect's own, and this its only end. */
static __always_inline int connect_fails(struct pending_connect *pending, __u64 socket)
{
	struct sock *sk = (struct sock *)socket;
	__u32 syns = READ((struct tcp_sock *)sk, segs_out);
	int error = READ(sk, sk_err) ?: pending->soft_error;
	__u64 now = bpf_ktime_get_ns();
	int answered = READ((struct tcp_sock *)sk, segs_in) != 0, result;

	if (!syns && !error) {
		/* No SYN was sent: the call that wanted to fails, and says why. */
		bpf_map_delete_elem(&pending_connects, &socket);
		return 0;
	}
	if (!error)
		error = fetched_error(sk, syns, answered);
	result = error ? -error : -ECANCELED;
	count_outcome(family_of(sk), outcome_of_error(error), pending->header.container_key);
	if (!error && pending->header.tgid == (__u32)FOLLOW(current_task(), tgid) && lost_a_race(socket)) {
		bpf_map_delete_elem(&pending_connects, &socket);
		return 0;
	}
	pending->result = result;
	pending->syns = syns;
	pending->answered = answered;
	*(volatile __u64 *)&pending->ended_ns = now;
	/* Atomic for the order: connect(2) looks at ended_ns after it has written in_call. */
	__sync_fetch_and_add(&pending->ends, 1);
	if (*(volatile __u64 *)&pending->in_call)
		return 0;
	tell_ending(SOCKWARD_PROBE_LATER_CONNECT, socket, pending, now);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(outcome_btf, struct sock *sk, int before, int after)
{
	struct pending_connect *pending;
	__u64 socket, container_key;

	if (before != TCP_SYN_SENT || !cpu_counters())
		return 0;
	socket = number_of_typed(sk);
	pending = bpf_map_lookup_elem(&pending_connects, &socket);
	if (!pending)
		return 0;
	/* SYN_RECV: both sides sent a SYN, so the peer is there. */
	if (after != TCP_ESTABLISHED && after != TCP_SYN_RECV)
		return connect_fails(pending, socket);
	container_key = pending->header.container_key;
	if (!bpf_map_delete_elem(&pending_connects, &socket))
		count_outcome(family_of(sk), SOCKWARD_OUTCOME_ESTABLISHED, container_key);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
