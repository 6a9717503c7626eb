// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * connect(2). Counted: every call. Reported: failures the settings ask for, AF_UNIX refusals, failures of
 * core/wanted.bpf.h, and AF_UNIX names that do not fit or fill all 108 bytes (a runtime may have cut them),
 * whatever the result. io_uring's: uring.bpf.c. How a TCP connect ends: outcome.bpf.c.
 */
#include "core/connect.bpf.h"
#include "core/programs.bpf.h"

static __always_inline int observe_connect(__u32 probe, struct socket_arguments *arguments, int result)
{
	return observe_connect_of(probe, sock_of_call(arguments->fd, result), arguments, result);
}

ADDRESS_CALL_PROGRAMS(CONNECT, connect, observe_connect)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
