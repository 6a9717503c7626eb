// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind(2). Counted: every call. Reported: failures the settings ask for, those of core/wanted.bpf.h, names
 * that do not fit, and successful AF_UNIX binds whose path comes near the limit, was cut at it, or belonged
 * to another socket file. Not seen here: binds through io_uring (uring.bpf.c), and 32-bit callers with the
 * tracepoint backend (docs/coverage.md).
 */
#include "core/bind.bpf.h"
#include "core/programs.bpf.h"

static __always_inline int observe_bind(__u32 probe, struct socket_arguments *arguments, int result)
{
	return observe_bind_of(probe, sock_of_call(arguments->fd, result), arguments, result);
}

ADDRESS_CALL_PROGRAMS(BIND, bind, observe_bind)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
