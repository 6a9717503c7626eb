/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A call on a socket through io_uring, as core/bind.bpf.h and core/connect.bpf.h want it. */
#ifndef SOCKWARD_CORE_URING_SOCKET_H
#define SOCKWARD_CORE_URING_SOCKET_H

#include "core/address.bpf.h"
#include "core/uring.bpf.h"

#define PF_IO_WORKER 0x00000010 /* include/linux/sched.h */
#define NR_IO_URING_ENTER 426 /* the same number everywhere */

/* For functions that system calls pass, too: is this the work of a request? */
static __always_inline int came_by_io_uring(void)
{
	if (FOLLOW(current_task(), flags) & PF_IO_WORKER)
		return 1;
	return call_number(caller_registers()) == NR_IO_URING_ENTER;
}

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
