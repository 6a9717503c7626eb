/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a file descriptor to the kernel's own socket. */
#ifndef SOCKWARD_CORE_SOCKET_H
#define SOCKWARD_CORE_SOCKET_H

#include "core/maps.bpf.h"
#include "core/task.bpf.h"

/* The struct file behind fd, as a number; 0: none. */
static __always_inline __u64 find_file(int fd)
{
	struct fdtable *table = FOLLOW(current_task(), files, fdt);
	struct file **slots = FOLLOW(table, fd);
	__u32 files = FOLLOW(table, max_fds);

	if (fd < 0 || (__u32)fd >= files)
		return 0;
	return (__u64)pointer_at(&slots[fd]);
}

/* The same. A number: what the verifier looks at once returns no pointer. */
__weak __attribute__((noinline)) __u64 file_address_of_fd(int fd)
{
	return find_file(fd);
}

static __always_inline struct file *file_of_fd(int fd)
{
	return (struct file *)file_address_of_fd(fd);
}

/* What a struct socket is linked with: two fields that lie side by side, as they always have. */
struct socket_links {
	struct file *file;
	struct sock *sk;
};

static __always_inline void read_links(struct socket_links *links, struct socket *socket)
{
#ifndef SOCKWARD_CAN_CAST
	/* One helper call instead of two. */
	if (bpf_core_field_offset(struct socket, sk) - bpf_core_field_offset(struct socket, file) ==
	    sizeof(links->file)) {
		__builtin_memset(links, 0, sizeof(*links));
		bpf_core_read(links, sizeof(*links), &socket->file);
		return;
	}
#endif
	links->file = READ(socket, file);
	links->sk = (struct sock *)number_of(READ(socket, sk));
}

/* sock_of_call() of the file that fd stands for, as a number. */
static __always_inline __u64 find_socket(struct file *file, int result)
{
	struct socket_links links;
	struct socket *socket;

	if (!file || (result < 0 && (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK))
		return 0;
	socket = READ(file, private_data);
	if (!socket)
		return 0;
	read_links(&links, socket);
	return links.file == file ? (__u64)links.sk : 0;
}

#ifdef SOCKWARD_CAN_CAST
/* A function of its own: the verifier looks at it once. */
__weak __attribute__((noinline)) __u64 sock_address_of_call(int fd, int result)
{
	return find_socket((struct file *)find_file(fd), result);
}
#else
/* In this form a function of its own would make the programs of bind three times as long for the verifier. */
static __always_inline __u64 sock_address_of_call(int fd, int result)
{
	return find_socket(file_of_fd(fd), result);
}
#endif

/*
 * The socket behind the fd of a call that returned `result`, or NULL. The inode says that it is a socket
 * (include/linux/net.h: a sockfs file keeps its struct socket in private_data); the way back from the socket
 * to the file proves it, for an O_PATH descriptor of a socket file has the same inode type and no struct
 * socket. A call that succeeded was given a socket: there the way back is enough, in case another thread has
 * put another file in its place since.
 */
static __always_inline struct sock *sock_of_call(int fd, int result)
{
	return (struct sock *)sock_address_of_call(fd, result);
}

static __always_inline __u32 family_of(struct sock *sk)
{
	if (!sk)
		return SOCKWARD_FAMILY_NONE;
	switch (READ(sk, __sk_common.skc_family)) {
	case AF_UNIX:
		return SOCKWARD_FAMILY_UNIX;
	case AF_INET:
		return SOCKWARD_FAMILY_INET;
	case AF_INET6:
		return SOCKWARD_FAMILY_INET6;
	case AF_NETLINK:
		return SOCKWARD_FAMILY_NETLINK;
	case AF_VSOCK:
		return SOCKWARD_FAMILY_VSOCK;
	default:
		return SOCKWARD_FAMILY_OTHER;
	}
}

/* enum sockward_sharing */
static __always_inline __u32 sharing_of(struct sock *sk)
{
	struct sock_common *common = &sk->__sk_common;

	return (READ_BITFIELD(common, skc_ipv6only) ? SOCKWARD_V6ONLY : 0) |
		(READ_BITFIELD(common, skc_reuseport) ? SOCKWARD_REUSEPORT : 0) |
		(READ_BITFIELD(common, skc_reuse) ? SOCKWARD_REUSEADDR : 0);
}

/* Its local address as a sockaddr, as getsockname(2) tells it. family: inet or inet6. Returns its bytes. */
static __always_inline __u64 inet_address_of(__u8 *data, struct sock *sk, __u32 family)
{
	__u16 port = __builtin_bswap16(READ(sk, __sk_common.skc_num));

	__builtin_memset(data, 0, 28);
	*(__u16 *)data = READ(sk, __sk_common.skc_family);
	__builtin_memcpy(data + 2, &port, sizeof(port));
	if (family == SOCKWARD_FAMILY_INET) {
		bpf_core_read(data + 4, 4, &sk->__sk_common.skc_rcv_saddr);
		return 16;
	}
	bpf_core_read(data + 8, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	/* Link-local: fe80::/10 is of an interface. */
	if (data[8] == 0xfe && (data[9] & 0xc0) == 0x80)
		bpf_core_read(data + 24, 4, &sk->__sk_common.skc_bound_dev_if);
	return 28;
}

/* Has it a port or an address of its own? */
static __always_inline int has_inet_address(struct sock *sk, __u32 family)
{
	__u64 address[2] = {};

	if (family == SOCKWARD_FAMILY_INET)
		bpf_core_read(address, 4, &sk->__sk_common.skc_rcv_saddr);
	else if (family == SOCKWARD_FAMILY_INET6)
		bpf_core_read(address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	else
		return 0;
	return address[0] || address[1] || READ(sk, __sk_common.skc_num);
}

/* Where the kernel looks for a port, as high << 16 | low: IP_LOCAL_PORT_RANGE of the socket. 0: not set. */
static __always_inline __u32 own_port_range(struct sock *sk, __u32 family)
{
	struct inet_sock___pair *pair = (void *)sk;
	struct inet_sock *inet = (void *)sk;
	__u32 range = 0;

	if (family != SOCKWARD_FAMILY_INET && family != SOCKWARD_FAMILY_INET6)
		return 0;
	if (bpf_core_field_exists(inet->local_port_range))
		bpf_core_read(&range, sizeof(range), &inet->local_port_range);
	else if (bpf_core_field_exists(pair->local_port_range))
		range = READ(pair, local_port_range.lo) | (__u32)READ(pair, local_port_range.hi) << 16;
	return range;
}

/* The same of its network namespace (net.ipv4.ip_local_port_range). 0: not known. */
static __always_inline __u32 port_range(struct net *net)
{
	const void *ports = (const void *)net + bpf_core_field_offset(net->ipv4.ip_local_ports);
	const struct local_ports___old *old = ports;
	const struct local_ports *now = ports;

	if (bpf_core_field_exists(now->range))
		return READ(now, range);
	if (bpf_core_field_exists(old->range))
		return (READ(old, range[0]) & 0xFFFF) | (__u32)READ(old, range[1]) << 16;
	return 0;
}

static __always_inline void fill_ports(struct sockward_socket_call *call, struct sock *sk, struct net *net)
{
	__u32 range = own_port_range(sk, family_of(sk));

	call->own_port_low = range & 0xFFFF;
	call->own_port_high = range >> 16;
	range = port_range(net);
	call->port_low = range & 0xFFFF;
	call->port_high = range >> 16;
	if (bpf_core_field_exists(net->ipv4.sysctl_ip_prot_sock))
		call->port_start = READ(net, ipv4.sysctl_ip_prot_sock);
	else
		call->port_start = 1024; /* PROT_SOCK, include/net/sock.h */
}

static __always_inline void fill_socket(struct sockward_socket_call *call, struct sock *sk)
{
	struct net *net = READ(sk, __sk_common.skc_net.net);

	call->is_socket = 1;
	call->family = READ(sk, __sk_common.skc_family);
	call->type = READ(sk, sk_type);
	call->protocol = READ(sk, sk_protocol);
	call->bound_port = READ(sk, __sk_common.skc_num);
	call->bound_device = READ(sk, __sk_common.skc_bound_dev_if);
	call->sharing = sharing_of(sk);
	call->socket_netns = READ(net, ns.inum);
	call->owner_userns = READ(net, user_ns, ns.inum);
	call->socket_uid = READ(sk, sk_uid.val);
	call->state = READ(sk, __sk_common.skc_state);
	call->locks = READ_BITFIELD(sk, sk_userlocks);
	fill_ports(call, sk, net);
}

/* The kernel's copy of a unix socket's own address: its length, header of two bytes included, or 0. */
static __always_inline __u32 unix_address_of(struct sock *sk, const char **name)
{
	struct unix_address *address = READ((struct unix_sock *)sk, addr);

	if (!address)
		return 0;
	*name = (const char *)address + bpf_core_field_offset(struct unix_address, name);
	return READ(address, len);
}

#endif
