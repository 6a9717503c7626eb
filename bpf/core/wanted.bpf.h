/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failures of bind and connect that tell something of this call or of this family, and nothing elsewhere.
 * Functions of their own: the verifier does not follow each of their ways through the callers.
 */
#ifndef SOCKWARD_CORE_WANTED_H
#define SOCKWARD_CORE_WANTED_H

#include "core/address.bpf.h"

#define INET6_ADDRESS_BYTES 28 /* sizeof(struct sockaddr_in6) */

/* Is what lies in the area an address of an interface (fe80::/10) that does not say of which one? */
__weak __attribute__((noinline)) int lacks_scope(__u32 area)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	const __u8 *address;

	if (!scratch)
		return 0;
	address = scratch->data;
	return address[0] == AF_INET6 && address[8] == 0xfe && (address[9] & 0xc0) == 0x80 &&
		!(address[24] | address[25] | address[26] | address[27]);
}

/* The kernel says EINVAL of them. */
static __always_inline int link_local_wanted(__u32 probe, const struct socket_arguments *arguments)
{
	struct socket_scratch *scratch = socket_scratch_of(probe);
	__u64 bytes;

	if (!scratch || arguments->length <= 0)
		return 0;
	bytes = at_most(arguments->length, INET6_ADDRESS_BYTES);
	__builtin_memset(scratch->data, 0, INET6_ADDRESS_BYTES);
	read_passed(scratch->data, bytes, arguments, 0);
	return lacks_scope(SOCKET_AREA(probe));
}

__weak __attribute__((noinline)) int unix_failure_wanted(__u32 syscall, int result)
{
	switch (-result) {
	case ENOENT: /* whom the program looks for is not there */
	case ENOTDIR:
	case EAGAIN: /* of connect: the server's queue is full */
		return 1;
	case EPERM: /* a file system that has no sockets, or may not have them */
	case EACCES:
	case EOPNOTSUPP:
		return syscall == SOCKWARD_BIND;
	default:
		return 0;
	}
}

__weak __attribute__((noinline)) int connect_failure_wanted(int result)
{
	switch (-result) {
	case ECONNREFUSED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return 1;
	default:
		return 0;
	}
}

/* settings.report_unix_missing. Never what may be tried again: EINPROGRESS, EALREADY, EINTR. */
static __always_inline int failure_wanted(__u32 probe, __u32 syscall, __u32 family,
					  const struct socket_arguments *arguments, int result)
{
	if (!settings.report_unix_missing || result >= 0)
		return 0;
	if (family == SOCKWARD_FAMILY_UNIX)
		return unix_failure_wanted(syscall, result);
	if (family != SOCKWARD_FAMILY_INET && family != SOCKWARD_FAMILY_INET6)
		return 0;
	if (syscall == SOCKWARD_CONNECT && connect_failure_wanted(result))
		return 1;
	return result == -EINVAL && family == SOCKWARD_FAMILY_INET6 && link_local_wanted(probe, arguments);
}

#endif
