/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A bind or a connect through io_uring, as core/bind.bpf.h and core/connect.bpf.h want it. */
#ifndef SOCKWARD_CORE_URING_SOCKET_H
#define SOCKWARD_CORE_URING_SOCKET_H

#include "core/address.bpf.h"
#include "core/uring.bpf.h"

static __always_inline struct socket_arguments arguments_of_request(__u32 syscall, const void *address,
								    int length)
{
	return (struct socket_arguments){
		.syscall = syscall,
		.fd = -1,
		.length = length,
		.via = SOCKWARD_VIA_IO_URING,
		.kernel_address = address,
	};
}

/* Of a file that may be no socket: then its private data is something else. */
static __always_inline struct sock *sock_of_request(struct file *file, int result)
{
	struct socket *socket;

	if (result == -ENOTSOCK)
		return 0;
	socket = READ(file, private_data);
	return READ(socket, sk);
}

#endif
