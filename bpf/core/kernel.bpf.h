/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's numbers and types that the programs read, and of each type only the fields they use: CO-RE
 * finds the real offsets when the object is loaded, so neither kernel headers nor BTF are needed to build.
 * Every struct carries preserve_access_index. Facts of a kernel version stand beside the field.
 */
#ifndef SOCKWARD_CORE_KERNEL_H
#define SOCKWARD_CORE_KERNEL_H

#include <linux/bpf.h>

#include "core/kernel_sockets.bpf.h"
#include "core/kernel_tasks.bpf.h"
#include "core/read.bpf.h"

#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EAGAIN 11
#define EADDRINUSE 98
#define EADDRNOTAVAIL 99
#define EACCES 13
#define EBUSY 16
#define EEXIST 17
#define ENOTDIR 20
#define EINVAL 22
#define ENAMETOOLONG 36
#define ELOOP 40
#define ENOTSOCK 88
#define EPROTOTYPE 91
#define EOPNOTSUPP 95
#define ENETUNREACH 101
#define ETIMEDOUT 110
#define ECONNRESET 104
#define ECONNABORTED 103
#define ECONNREFUSED 111
#define EHOSTUNREACH 113
#define EINPROGRESS 115
#define ECANCELED 125

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_VSOCK 40
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262
#define TCP_ESTABLISHED 1 /* include/net/tcp_states.h */
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2 /* include/linux/net.h */
#define SOCK_RAW 3
#define SOCK_DEAD 0 /* bit of skc_flags, include/net/sock.h (enum sock_flags): the socket was released */
#define AT_FDCWD (-100)
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/*
 * min(value, limit), in 64 bits and opaque to the optimiser: clang 14 may otherwise bound-check one
 * register and use another, or check 32 bits and use 64, and the verifier refuses the program.
 */
static __always_inline __u64 at_most(__u64 value, __u64 limit)
{
	asm volatile("" : "+r"(value));
	if (value > limit)
		value = limit;
	asm volatile("" : "+r"(value));
	return value;
}

#endif
