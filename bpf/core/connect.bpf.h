/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is done with a connect, by whichever way it came. */
#ifndef SOCKWARD_CORE_CONNECT_H
#define SOCKWARD_CORE_CONNECT_H

#include "core/connect_return.bpf.h"
#include "core/wanted.bpf.h"

/* Has the last byte of an address of full length no NUL? Then its path fills all 108 bytes, or is longer. */
static __always_inline int fills_address(const struct socket_arguments *arguments)
{
	char last = 0;

	if (!settings.report_too_long || arguments->length != UNIX_ADDRESS_MAX)
		return 0;
	read_passed(&last, sizeof(last), arguments, UNIX_ADDRESS_MAX - sizeof(last));
	return last != 0;
}

/* Of an address that fills_address(): is it a path, of all 108 bytes? */
static __always_inline int path_fills_all(__u32 probe, struct socket_scratch *scratch,
					  struct socket_arguments *arguments)
{
	return passed_path_length(SOCKET_AREA(probe), scratch, arguments) == UNIX_PATH_MAX;
}

static __always_inline int unix_failure_matters(const struct socket_arguments *arguments, int result)
{
	if (settings.report_unix_refused && (result == -ECONNREFUSED || result == -EPROTOTYPE))
		return 1;
	return settings.report_too_long && result == -EINVAL && arguments->length > UNIX_ADDRESS_MAX;
}

/* sk: the socket, or NULL: what the caller gave is none. */
static __always_inline int observe_connect_of(__u32 probe, struct sock *sk,
					      struct socket_arguments *arguments, int result)
{
	__u32 family = family_of(sk);
	struct socket_scratch *scratch;
	int wanted = errno_wanted(result);

	arguments->family = family;
	arguments->container_key = count_call(SOCKWARD_CONNECT, family, result);
	if ((family == SOCKWARD_FAMILY_INET || family == SOCKWARD_FAMILY_INET6) &&
	    settle_connect(probe, sk, result))
		return 0;
	if (!wanted)
		wanted = failure_wanted(probe, SOCKWARD_CONNECT, family, arguments, result);
	if (!wanted && family == SOCKWARD_FAMILY_UNIX)
		wanted = unix_failure_matters(arguments, result);
	if (!wanted && (family != SOCKWARD_FAMILY_UNIX || !fills_address(arguments)))
		return 0;
	scratch = socket_scratch_of(probe);
	if (!scratch)
		return 0;
	if (!wanted)
		wanted = path_fills_all(probe, scratch, arguments);
	if (wanted && syscall_wanted(SOCKWARD_CONNECT))
		emit_socket_call(scratch, probe, arguments, sk, result);
	return 0;
}

#endif
