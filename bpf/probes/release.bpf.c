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

	note_release(sk, READ(sk, sk_socket, file));
	return 1;
}

SEC("fentry/unix_release")
int BPF_PROG(unix_release_entry_fentry, struct socket *socket)
{
	struct sock *sk = READ(socket, sk);

	if (sk)
		note_release(sk, READ(socket, file));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
