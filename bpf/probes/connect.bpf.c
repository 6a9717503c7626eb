// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * connect(2). Counted: every call. Reported: failures the settings ask for, AF_UNIX refusals, failures of
 * core/wanted.bpf.h, and AF_UNIX names that do not fit or fill all 108 bytes (a runtime may have cut them),
 * whatever the result. Not seen: connects through io_uring; a refusal that arrives later, through SO_ERROR.
 */
#include "core/arguments.bpf.h"
#include "core/seccomp.bpf.h"
#include "core/wanted.bpf.h"

#include <bpf/bpf_tracing.h>

static __always_inline int unix_wanted(struct socket_scratch *scratch, const struct socket_arguments *arguments,
				       int result)
{
	if (settings.report_unix_refused && (result == -ECONNREFUSED || result == -EPROTOTYPE))
		return 1;
	if (!settings.report_too_long)
		return 0;
	if (result == -EINVAL && arguments->length > UNIX_ADDRESS_MAX)
		return 1;
	/* Only a full-length address can hold 108 bytes without NUL: others are not read at all. */
	return arguments->length == UNIX_ADDRESS_MAX &&
		sockaddr_path_length(scratch, arguments->address, arguments->length) == UNIX_PATH_MAX;
}

static __always_inline int observe_connect(__u32 probe, const struct socket_arguments *arguments, int result)
{
	struct sock *sk = sock_of_fd(arguments->fd);
	__u32 family = family_of(sk);
	struct socket_scratch *scratch;
	int wanted = errno_wanted(result);

	count_call(SOCKWARD_CONNECT, family, result);
	if (!wanted)
		wanted = failure_wanted(probe, SOCKWARD_CONNECT, family, arguments, result);
	if (!wanted && family != SOCKWARD_FAMILY_UNIX)
		return 0;
	scratch = socket_scratch_of(probe);
	if (!scratch)
		return 0;
	if (!wanted)
		wanted = unix_wanted(scratch, arguments, result);
	if (wanted && syscall_wanted(SOCKWARD_CONNECT))
		emit_socket_call(scratch, probe, SOCKWARD_CONNECT, arguments, sk, result, 0);
	return 0;
}

SEC("fexit/__sys_connect")
int BPF_PROG(connect_fexit, int fd, const void *address, int length, int result)
{
	struct socket_arguments arguments = {.fd = fd, .address = address, .length = length};

	note_seen(SOCKWARD_CONNECT);
	return observe_connect(SOCKWARD_CONNECT, &arguments, normalise_result(result));
}

SEC("tracepoint/syscalls/sys_enter_connect")
int connect_entry_tp(struct sys_enter_context *context)
{
	return note_entry(SOCKWARD_CONNECT);
}

static __always_inline int connect_exit(__u32 probe, struct sys_exit_context *context, __u32 flags)
{
	const struct pt_regs *registers = caller_registers();
	struct socket_arguments arguments = {
		.fd = (int)argument(registers, 0),
		.address = (const void *)argument(registers, 1),
		.length = (int)argument(registers, 2),
		.flags = flags,
	};

	return observe_connect(probe, &arguments, normalise_result(context->result));
}

SEC("tracepoint/syscalls/sys_exit_connect")
int connect_tp(struct sys_exit_context *context)
{
	return connect_exit(SOCKWARD_CONNECT, context, seccomp_flag(SOCKWARD_CONNECT));
}

SEC("tracepoint/syscalls/sys_exit_connect")
int connect_denied_tp(struct sys_exit_context *context)
{
	__u32 flags = seccomp_flag(SOCKWARD_CONNECT);

	return flags ? connect_exit(SOCKWARD_PROBE_DENIED_CONNECT, context, flags) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
