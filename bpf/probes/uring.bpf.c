// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind and connect through io_uring (6.11): io_bind() and io_connect(), which no system call passes. Counted
 * and reported like the system calls, once, when the request has its result; the address is the copy that the
 * kernel keeps with the request. fexit only. Older kernels: uring_older.bpf.c. unlinkat: uring_unlink.bpf.c.
 */
#include "core/bind.bpf.h"
#include "core/connect.bpf.h"
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

SEC("fexit/io_bind")
int BPF_PROG(bind_uring_fexit, const struct io_kiocb *request, unsigned int issue_flags, int answer)
{
	struct socket_arguments arguments =
		arguments_of_request(SOCKWARD_BIND, address_of(request),
				     READ((const struct io_bind *)command_of(request), addr_len));
	int result = normalise_result(READ(request, cqe.res));

	if (answer != IOU_OK)
		return 0;
	return observe_bind_of(SOCKWARD_PROBE_URING_BIND, sock_of_request(READ(request, file), result),
			       &arguments, result);
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
	return observe_connect_of(SOCKWARD_PROBE_URING_CONNECT, sock_of_request(READ(request, file), result),
				  &arguments, result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
