/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A bind or a connect through io_uring: counted and reported like the system calls. */
#ifndef SOCKWARD_CORE_URING_SOCKET_H
#define SOCKWARD_CORE_URING_SOCKET_H

#include "core/bound_name.bpf.h"
#include "core/uring.bpf.h"
#include "core/wanted.bpf.h"

/* The path in the kernel's copy of the address fills it, or is longer than fits. */
static __always_inline int name_does_not_fit(struct socket_scratch *scratch, const void *address, int length,
					     int result)
{
	long copied;

	if (result == -EINVAL && length > UNIX_ADDRESS_MAX)
		return 1;
	if (length != UNIX_ADDRESS_MAX)
		return 0;
	copied = bpf_probe_read_kernel_str(scratch->data, UNIX_PATH_MAX + 1, address + UNIX_PATH_OFFSET);
	return copied == UNIX_PATH_MAX + 1;
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

static __always_inline int observe_request(__u32 probe, struct socket_arguments *arguments, struct sock *sk,
					   int result)
{
	const __u32 syscall = arguments->syscall;
	struct socket_scratch *scratch = socket_scratch_of(probe);
	__u32 family = family_of(sk);
	int wanted = errno_wanted(result);

	arguments->family = family;
	arguments->container_key = count_call(syscall, family, result);
	if (!wanted)
		wanted = failure_wanted(probe, syscall, family, arguments, result);
	if (!scratch)
		return 0;
	if (arguments->flags & SOCKWARD_NAME_REPLACED)
		wanted = settings.report_replaced;
	if (family == SOCKWARD_FAMILY_UNIX && settings.report_too_long)
		wanted |= name_does_not_fit(scratch, arguments->kernel_address, arguments->length, result);
	if (syscall == SOCKWARD_CONNECT && family == SOCKWARD_FAMILY_UNIX && settings.report_unix_refused)
		wanted |= result == -ECONNREFUSED || result == -EPROTOTYPE;
	if (wanted && syscall_wanted(syscall))
		emit_socket_call(scratch, probe, arguments, sk, result);
	return 0;
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
