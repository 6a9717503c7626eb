// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A bound socket is released: from then on its name is free, so its binder is not the holder any more. The
 * entry in the name table stays, with the time: a call that failed a moment before still finds who held the
 * name. Internet sockets: cgroup/sock_release, on every backend. AF_UNIX: no hook but the function itself
 * (fexit backend).
 */
#include "core/bound_name.bpf.h"

#include <bpf/bpf_tracing.h>

/*
 * The context of these programs is the socket itself at run time (kernel/bpf/cgroup.c,
 * __cgroup_bpf_run_filter_sk).
 */
SEC("cgroup/sock_release")
int sock_release_cgroup(struct bpf_sock *context)
{
	struct sock *volatile hidden = (struct sock *)context;
	struct sock *sk = hidden;

	note_release(sk, family_of(sk), READ(sk, sk_socket, file));
	return 1;
}

/*
 * An accepted socket has its listener's name: it shares the listener's address, which is counted
 * (net/unix/af_unix.c, unix_stream_connect); one that bound its own name has that for itself. 0: it may still
 * be an accepted one, whose listener is gone.
 */
static __always_inline int is_accepted(__u32 state, __u32 sharers)
{
	return state == TCP_ESTABLISHED && sharers > 1;
}

/* Most sockets of AF_UNIX have no name, or not one of their own. */
static __always_inline int has_own_name(struct sock *sk)
{
	struct unix_address *address = READ((struct unix_sock *)sk, addr);

	return address && !is_accepted(READ(sk, __sk_common.skc_state), READ(address, refcnt.refs.counter));
}

#ifndef SOCKWARD_CAN_CAST
/* The same of a socket that has its type: plain loads (5.16). */
static __always_inline int typed_has_own_name(struct sock *sk)
{
	struct unix_sock *unix_socket = bpf_skc_to_unix_sock(sk);
	struct unix_address *address;

	if (!unix_socket)
		return 0;
	address = unix_socket->addr;
	return address && !is_accepted(sk->__sk_common.skc_state, address->refcnt.refs.counter);
}
#endif

SEC("fentry/unix_release")
int BPF_PROG(unix_release_entry_fentry, struct socket *socket)
{
#ifndef SOCKWARD_CAN_CAST
	if (has_typed_task() && bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_skc_to_unix_sock)) {
		struct sock *sk = socket->sk;

		if (sk && typed_has_own_name(sk))
			note_release((struct sock *)number_of_typed(sk), SOCKWARD_FAMILY_UNIX,
				     READ(socket, file));
		return 0;
	}
#endif
	struct sock *sk = READ(socket, sk);

	if (sk && has_own_name(sk))
		note_release(sk, SOCKWARD_FAMILY_UNIX, READ(socket, file));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
