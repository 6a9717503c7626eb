// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind and connect through io_uring: they pass by the system calls and meet them again in __sys_bind_socket
 * (6.11) and __sys_connect_file (5.6). Whether a call came that way is known from the task: an io_uring
 * worker, or one inside io_uring_enter. Counted and reported like the system calls; the address is the
 * kernel's own copy. A connect that has to wait is tried more than once (EAGAIN, EINPROGRESS), and counted
 * each time. fexit only. unlinkat: uring_unlink.bpf.c.
 */
#include "core/bound_name.bpf.h"
#include "core/refusal.bpf.h"
#include "core/wanted.bpf.h"

#include <bpf/bpf_tracing.h>

#define PF_IO_WORKER 0x00000010 /* include/linux/sched.h */
#define NR_IO_URING_ENTER 426 /* the same number everywhere */

static __always_inline int came_by_io_uring(void)
{
	if (READ(current_task(), flags) & PF_IO_WORKER)
		return 1;
	return call_number(caller_registers()) == NR_IO_URING_ENTER;
}

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

static __always_inline int observe(__u32 probe, struct socket_arguments *arguments, struct sock *sk,
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

/* The port id that a netlink socket asked for; 0: any. */
static __always_inline __u32 asked_netlink_port(struct sock *sk, const void *address)
{
	__u32 port = 0;

	if (family_of(sk) == SOCKWARD_FAMILY_NETLINK)
		bpf_probe_read_kernel(&port, sizeof(port), address + 4); /* sockaddr_nl.nl_pid */
	return port;
}

SEC("fexit/__sys_bind_socket")
int BPF_PROG(bind_uring_fexit, struct socket *socket, const void *address, int length, int result)
{
	struct socket_arguments arguments = arguments_of_request(SOCKWARD_BIND, address, length);
	struct sock *sk;

	if (!came_by_io_uring())
		return 0;
	sk = READ(socket, sk);
	result = normalise_result(result);
	if (!result && sk &&
	    remember_binder(SOCKWARD_PROBE_URING_BIND, sk, READ(socket, file), -1,
			    asked_netlink_port(sk, address), &arguments.replaced))
		arguments.flags |= SOCKWARD_NAME_REPLACED;
	return observe(SOCKWARD_PROBE_URING_BIND, &arguments, sk, result);
}

SEC("fexit/__sys_connect_file")
int BPF_PROG(connect_uring_fexit, struct file *file, const void *address, int length, int flags, int result)
{
	struct socket_arguments arguments = arguments_of_request(SOCKWARD_CONNECT, address, length);
	struct socket *socket;
	struct sock *sk = NULL;

	if (!came_by_io_uring())
		return 0;
	/* The private data of a file that is no socket is something else. */
	if (result != -ENOTSOCK) {
		socket = READ(file, private_data);
		sk = READ(socket, sk);
	}
	return observe(SOCKWARD_PROBE_URING_CONNECT, &arguments, sk, normalise_result(result));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
