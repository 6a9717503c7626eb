// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * listen(2). Counted: every call. Reported: failures the settings ask for, with the socket's own address:
 * listen on an unbound inet socket binds it, and can find every port taken. The name table learns since when
 * a socket listens.
 */
#include "core/address.bpf.h"
#include "core/bound_name.bpf.h"
#include "core/programs.bpf.h"

static __always_inline int observe_listen(__u32 probe, int fd, int backlog, int result, __u32 flags)
{
	struct sock *sk = sock_of_call(fd, result);
	struct socket_arguments arguments = {
		.syscall = SOCKWARD_LISTEN,
		.fd = fd,
		.own_address = 1,
		.length = backlog,
		.flags = flags,
	};
	struct socket_scratch *scratch;

	arguments.family = family_of(sk);
	arguments.container_key = count_call(SOCKWARD_LISTEN, arguments.family, result);
	/* A filter may say 0, too: then nothing listens. */
	if (!result && !(flags & SOCKWARD_SECCOMP_REFUSED))
		note_listening(fd);
	if (!errno_wanted(result) || !syscall_wanted(SOCKWARD_LISTEN))
		return 0;
	scratch = socket_scratch_of(probe);
	if (scratch)
		emit_socket_call(scratch, probe, &arguments, sk, result);
	return 0;
}

SEC("fexit/__sys_listen")
int BPF_PROG(listen_fexit, int fd, int backlog, int result)
{
	note_seen(SOCKWARD_LISTEN);
	return observe_listen(SOCKWARD_LISTEN, fd, backlog, normalise_result(result), 0);
}

static __always_inline int listen_exit(__u32 probe, argument_reader argument_of,
				       const struct pt_regs *registers, long result, __u32 flags)
{
	return observe_listen(probe, (int)argument_of(registers, 0), (int)argument_of(registers, 1),
			      normalise_result(result), flags);
}

ENTRY_PROGRAM(LISTEN, listen)
EXIT_PROGRAMS(LISTEN, listen, listen_exit)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
