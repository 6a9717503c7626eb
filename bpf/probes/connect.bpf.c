// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * connect(2). Counted: every call. Reported: failures the settings ask for, AF_UNIX refusals, failures of
 * core/wanted.bpf.h, and AF_UNIX names that do not fit or fill all 108 bytes (a runtime may have cut them),
 * whatever the result. Not seen: connects through io_uring; a refusal that arrives later, through SO_ERROR.
 */
#include "core/programs.bpf.h"
#include "core/wanted.bpf.h"

/* Has the last byte of an address of full length no NUL? Then its path fills all 108 bytes, or is longer. */
static __always_inline int fills_address(const struct socket_arguments *arguments)
{
	char last = 0;

	if (arguments->length != UNIX_ADDRESS_MAX)
		return 0;
	bpf_probe_read_user(&last, sizeof(last), arguments->address + UNIX_ADDRESS_MAX - sizeof(last));
	return last != 0;
}

static __always_inline int unix_wanted(__u32 probe, struct socket_scratch *scratch,
				       struct socket_arguments *arguments, int result)
{
	if (settings.report_unix_refused && (result == -ECONNREFUSED || result == -EPROTOTYPE))
		return 1;
	if (!settings.report_too_long)
		return 0;
	if (result == -EINVAL && arguments->length > UNIX_ADDRESS_MAX)
		return 1;
	return fills_address(arguments) &&
		passed_path_length(SOCKET_AREA(probe), scratch, arguments) == UNIX_PATH_MAX;
}

static __always_inline int observe_connect(__u32 probe, struct socket_arguments *arguments, int result)
{
	struct sock *sk = sock_of_fd(arguments->fd);
	__u32 family = family_of(sk);
	struct socket_scratch *scratch;
	int wanted = errno_wanted(result);

	arguments->family = family;
	arguments->container_key = count_call(SOCKWARD_CONNECT, family, result);
	if (!wanted)
		wanted = failure_wanted(probe, SOCKWARD_CONNECT, family, arguments, result);
	if (!wanted && family != SOCKWARD_FAMILY_UNIX)
		return 0;
	scratch = socket_scratch_of(probe);
	if (!scratch)
		return 0;
	if (!wanted)
		wanted = unix_wanted(probe, scratch, arguments, result);
	if (wanted && syscall_wanted(SOCKWARD_CONNECT))
		emit_socket_call(scratch, probe, arguments, sk, result);
	return 0;
}

ADDRESS_CALL_PROGRAMS(CONNECT, connect, observe_connect)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
