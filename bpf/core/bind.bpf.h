/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is done with a bind, by whichever way it came. */
#ifndef SOCKWARD_CORE_BIND_H
#define SOCKWARD_CORE_BIND_H

#include "core/holder.bpf.h"
#include "core/wanted.bpf.h"

static __always_inline void count_path_length(int bytes)
{
	struct sockward_cpu_counters *block = cpu_counters();
	__u64 index;

	if (!block || bytes <= 0)
		return;
	index = at_most(bytes, SOCKWARD_PATH_LENGTHS - 1);
	add_one(&block->path_lengths[index]);
	__sync_fetch_and_add(&block->path_length_sum, index);
}

/* Is this a name that does not fit? bytes: length of its path. */
static __always_inline int does_not_fit(int address_length, int bytes, int result)
{
	return (result == -EINVAL && address_length > UNIX_ADDRESS_MAX) || bytes == UNIX_PATH_MAX;
}

/* The port id that a netlink socket asked for; 0: any. */
static __always_inline __u32 asked_netlink_port(__u32 family, const struct socket_arguments *arguments)
{
	__u32 port = 0;

	if (family == SOCKWARD_FAMILY_NETLINK)
		read_passed(&port, sizeof(port), arguments, 4); /* sockaddr_nl.nl_pid */
	return port;
}

/* sk: the socket, or NULL: what the caller gave is none. */
static __always_inline int observe_bind_of(__u32 probe, struct sock *sk, struct socket_arguments *arguments,
					   int result)
{
	__u32 family = family_of(sk);
	struct socket_scratch *scratch;
	int wanted = errno_wanted(result), bytes = 0;

	arguments->family = family;
	arguments->container_key = count_call(SOCKWARD_BIND, family, result);
	if (!wanted)
		wanted = failure_wanted(probe, SOCKWARD_BIND, family, arguments, result);
	/* A filter may say 0, too: nothing was bound. */
	if (!result && sk && !(arguments->flags & SOCKWARD_SECCOMP_REFUSED) &&
	    remember_binder(probe, sk, family, arguments->fd, asked_netlink_port(family, arguments),
			    &arguments->replaced)) {
		arguments->flags |= SOCKWARD_NAME_REPLACED;
		wanted = settings.report_replaced;
	}
	scratch = socket_scratch_of(probe);
	if (!scratch)
		return 0;
	if (family == SOCKWARD_FAMILY_UNIX) {
		bytes = result ? passed_path_length(SOCKET_AREA(probe), scratch, arguments)
			       : bound_path_length(sk);
		count_path_length(bytes);
		if (settings.report_too_long && does_not_fit(arguments->length, bytes, result))
			wanted = 1;
		if (!result && settings.near_limit_bytes && bytes >= settings.near_limit_bytes)
			wanted = 1;
	}
	arguments->own_address = !result;
	arguments->is_bind = 1;
	if (wanted && syscall_wanted(SOCKWARD_BIND))
		emit_socket_call(scratch, probe, arguments, sk, result);
	return 0;
}

#endif
