// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * listen(2). Counted: every call. Reported: failures the settings ask for, with the socket's own address:
 * listen on an unbound inet socket binds it, and can find every port taken. The name table learns since when
 * a socket listens.
 */
#include "core/address.bpf.h"
#include "core/arguments.bpf.h"
#include "core/bound_name.bpf.h"
#include "core/seccomp.bpf.h"

#include <bpf/bpf_tracing.h>

static __always_inline int observe_listen(__u32 probe, int fd, int backlog, int result, __u32 flags)
{
	struct sock *sk = sock_of_fd(fd);
	struct socket_arguments arguments = {.fd = fd, .length = backlog, .flags = flags};
	struct socket_scratch *scratch;

	count_call(SOCKWARD_LISTEN, family_of(sk), result);
	/* A filter may say 0, too: then nothing listens. */
	if (!result && !(flags & SOCKWARD_SECCOMP_REFUSED))
		note_listening(fd);
	if (!errno_wanted(result) || !syscall_wanted(SOCKWARD_LISTEN))
		return 0;
	scratch = socket_scratch_of(probe);
	if (scratch)
		emit_socket_call(scratch, probe, SOCKWARD_LISTEN, &arguments, sk, result, 1);
	return 0;
}

SEC("fexit/__sys_listen")
int BPF_PROG(listen_fexit, int fd, int backlog, int result)
{
	note_seen(SOCKWARD_LISTEN);
	return observe_listen(SOCKWARD_LISTEN, fd, backlog, normalise_result(result), 0);
}

SEC("tracepoint/syscalls/sys_enter_listen")
int listen_entry_tp(struct sys_enter_context *context)
{
	return note_entry(SOCKWARD_LISTEN);
}

static __always_inline int listen_exit(__u32 probe, struct sys_exit_context *context, __u32 flags)
{
	const struct pt_regs *registers = caller_registers();

	return observe_listen(probe, (int)argument(registers, 0), (int)argument(registers, 1),
			      normalise_result(context->result), flags);
}

SEC("tracepoint/syscalls/sys_exit_listen")
int listen_tp(struct sys_exit_context *context)
{
	return listen_exit(SOCKWARD_LISTEN, context, seccomp_flag(SOCKWARD_LISTEN));
}

SEC("tracepoint/syscalls/sys_exit_listen")
int listen_denied_tp(struct sys_exit_context *context)
{
	__u32 flags = seccomp_flag(SOCKWARD_LISTEN);

	return flags ? listen_exit(SOCKWARD_PROBE_DENIED_LISTEN, context, flags) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
