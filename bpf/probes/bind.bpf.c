// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind(2). Counted: every call. Reported: failures the settings ask for, those of core/wanted.bpf.h, names
 * that do not fit, and successful AF_UNIX binds whose path comes near the limit, was cut at it, or belonged
 * to another socket file. Not seen here: binds through io_uring (uring.bpf.c), and 32-bit callers with the
 * tracepoint backend (docs/coverage.md).
 */
#include "core/bound_name.bpf.h"
#include "core/programs.bpf.h"
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
		bpf_probe_read_user(&port, sizeof(port), arguments->address + 4); /* sockaddr_nl.nl_pid */
	return port;
}

static __always_inline int observe_bind(__u32 probe, struct socket_arguments *arguments, int result)
{
	struct sock *sk = sock_of_fd(arguments->fd);
	__u32 family = family_of(sk);
	struct socket_scratch *scratch;
	int wanted = errno_wanted(result), bytes = 0;

	arguments->family = family;
	arguments->container_key = count_call(SOCKWARD_BIND, family, result);
	if (!wanted)
		wanted = failure_wanted(probe, SOCKWARD_BIND, family, arguments, result);
	/* A filter may say 0, too: nothing was bound. */
	if (!result && sk && !(arguments->flags & SOCKWARD_SECCOMP_REFUSED) &&
	    remember_binder(probe, sk, file_of_fd(arguments->fd), arguments->fd,
			    asked_netlink_port(family, arguments), &arguments->replaced)) {
		arguments->flags |= SOCKWARD_NAME_REPLACED;
		wanted = settings.report_replaced;
	}
	scratch = socket_scratch_of(probe);
	if (!scratch)
		return 0;
	if (family == SOCKWARD_FAMILY_UNIX) {
		bytes = result ? sockaddr_path_length(scratch, arguments->address, arguments->length)
			       : bound_path_length(sk);
		count_path_length(bytes);
		if (settings.report_too_long && does_not_fit(arguments->length, bytes, result))
			wanted = 1;
		if (!result && settings.near_limit_bytes && bytes >= settings.near_limit_bytes)
			wanted = 1;
	}
	arguments->own_address = !result;
	if (wanted && syscall_wanted(SOCKWARD_BIND))
		emit_socket_call(scratch, probe, arguments, sk, result);
	return 0;
}

ADDRESS_CALL_PROGRAMS(BIND, bind, observe_bind)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
