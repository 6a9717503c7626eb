// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind and connect through io_uring (6.11): io_bind() and io_connect(), which no system call passes. Counted
 * and reported like the system calls, once, when the request has its result; the address is the copy that the
 * kernel keeps with the request. fexit only. Older kernels: uring_older.bpf.c. unlinkat: uring_unlink.bpf.c.
 */
#include "core/uring_socket.bpf.h"

#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_async_msghdr {
	struct sockaddr_storage {
		unsigned short ss_family;
	} addr;
};

struct io_bind {
	int addr_len;
};

struct io_connect {
	int addr_len;
};

#pragma clang attribute pop

static __always_inline const void *address_of(const struct io_kiocb *request)
{
	return (const void *)number_of(READ(request, async_data)) +
		bpf_core_field_offset(struct io_async_msghdr, addr);
}

/* The port id that a netlink socket asked for; 0: any. */
static __always_inline __u32 asked_netlink_port(struct sock *sk, const void *address)
{
	__u32 port = 0;

	if (family_of(sk) == SOCKWARD_FAMILY_NETLINK)
		bpf_probe_read_kernel(&port, sizeof(port), address + 4); /* sockaddr_nl.nl_pid */
	return port;
}

SEC("fexit/io_bind")
int BPF_PROG(bind_uring_fexit, const struct io_kiocb *request, unsigned int issue_flags, int answer)
{
	const void *address = address_of(request);
	struct socket_arguments arguments = arguments_of_request(
		SOCKWARD_BIND, address, READ((const struct io_bind *)command_of(request), addr_len));
	int result = normalise_result(READ(request, cqe.res));
	struct file *file = READ(request, file);
	struct sock *sk;

	if (answer != IOU_OK)
		return 0;
	sk = sock_of_request(file, result);
	if (!result && sk &&
	    remember_binder(SOCKWARD_PROBE_URING_BIND, sk, file, asked_netlink_port(sk, address),
			    &arguments.replaced))
		arguments.flags |= SOCKWARD_NAME_REPLACED;
	return observe_request(SOCKWARD_PROBE_URING_BIND, &arguments, sk, result);
}

SEC("fexit/io_connect")
int BPF_PROG(connect_uring_fexit, const struct io_kiocb *request, unsigned int issue_flags, int answer)
{
	struct socket_arguments arguments =
		arguments_of_request(SOCKWARD_CONNECT, address_of(request),
				     READ((const struct io_connect *)command_of(request), addr_len));
	int result = normalise_result(READ(request, cqe.res));

	if (answer != IOU_OK)
		return 0;
	return observe_request(SOCKWARD_PROBE_URING_CONNECT, &arguments,
			       sock_of_request(READ(request, file), result), result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
