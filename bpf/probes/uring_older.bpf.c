// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * connect through io_uring before Linux 6.0, where io_connect() cannot be seen: it passes by the system call
 * and meets it again in __sys_connect_file (5.6). Whether a call came that way is known from the task: an
 * io_uring worker, or one inside io_uring_enter. The address is the kernel's own copy. A connect that has to
 * wait is tried more than once (EAGAIN, EINPROGRESS), and counted each time. fexit only.
 */
#include "core/connect.bpf.h"
#include "core/uring_socket.bpf.h"

#include <bpf/bpf_tracing.h>

SEC("fexit/__sys_connect_file")
int BPF_PROG(connect_uring_older_fexit, struct file *file, const void *address, int length, int flags,
	     int result)
{
	struct socket_arguments arguments = arguments_of_request(SOCKWARD_CONNECT, address, length);

	if (!came_by_io_uring())
		return 0;
	return observe_connect_of(SOCKWARD_PROBE_URING_CONNECT, sock_of_request(file, result), &arguments,
				  normalise_result(result));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
