/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a file descriptor to the kernel's own socket. */
#ifndef SOCKWARD_CORE_SOCKET_H
#define SOCKWARD_CORE_SOCKET_H

#include "core/maps.bpf.h"
#include "core/task.bpf.h"

/* The struct file behind fd; 0: none. A number: what the verifier looks at once returns no pointer. */
__weak __attribute__((noinline)) __u64 file_address_of_fd(int fd)
{
	struct file **slots, *file = 0;
	__u32 files;

	if (has_typed_task()) {
		struct fdtable *table = ((struct task_struct *)bpf_get_current_task_btf())->files->fdt;

		slots = table->fd;
		files = table->max_fds;
	} else {
		struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);

		slots = BPF_CORE_READ(table, fd);
		files = BPF_CORE_READ(table, max_fds);
	}
	if (fd < 0 || (__u32)fd >= files)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), &slots[fd]);
	return (__u64)file;
}

static __always_inline struct file *file_of_fd(int fd)
{
	return (struct file *)file_address_of_fd(fd);
}

/*
 * The socket behind fd, or NULL. The inode says that it is a socket (include/linux/net.h: a sockfs
 * file keeps its struct socket in private_data); the way back from the socket to the file proves it,
 * for an O_PATH descriptor of a socket file has the same inode type and no struct socket.
 */
static __always_inline struct sock *sock_of_fd(int fd)
{
	struct file *file = file_of_fd(fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return 0;
	return BPF_CORE_READ(socket, sk);
}

static __always_inline __u32 family_of(struct sock *sk)
{
	if (!sk)
		return SOCKWARD_FAMILY_NONE;
	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
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

	return (BPF_CORE_READ_BITFIELD_PROBED(common, skc_ipv6only) ? SOCKWARD_V6ONLY : 0) |
		(BPF_CORE_READ_BITFIELD_PROBED(common, skc_reuseport) ? SOCKWARD_REUSEPORT : 0) |
		(BPF_CORE_READ_BITFIELD_PROBED(common, skc_reuse) ? SOCKWARD_REUSEADDR : 0);
}

/* Its local address as a sockaddr, as getsockname(2) tells it. family: inet or inet6. Returns its bytes. */
static __always_inline __u64 inet_address_of(__u8 *data, struct sock *sk, __u32 family)
{
	__u16 port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_num));

	__builtin_memset(data, 0, 28);
	*(__u16 *)data = BPF_CORE_READ(sk, __sk_common.skc_family);
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
	return address[0] || address[1] || BPF_CORE_READ(sk, __sk_common.skc_num);
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
		range = BPF_CORE_READ(pair, local_port_range.lo) |
			(__u32)BPF_CORE_READ(pair, local_port_range.hi) << 16;
	return range;
}

/* The same of its network namespace (net.ipv4.ip_local_port_range). 0: not known. */
static __always_inline __u32 port_range(struct net *net)
{
	const void *ports = (const void *)net + bpf_core_field_offset(net->ipv4.ip_local_ports);
	const struct local_ports___old *old = ports;
	const struct local_ports *now = ports;

	if (bpf_core_field_exists(now->range))
		return BPF_CORE_READ(now, range);
	if (bpf_core_field_exists(old->range))
		return (BPF_CORE_READ(old, range[0]) & 0xFFFF) | (__u32)BPF_CORE_READ(old, range[1]) << 16;
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
		call->port_start = BPF_CORE_READ(net, ipv4.sysctl_ip_prot_sock);
	else
		call->port_start = 1024; /* PROT_SOCK, include/net/sock.h */
}

static __always_inline void fill_socket(struct sockward_socket_call *call, struct sock *sk)
{
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);

	call->is_socket = 1;
	call->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	call->type = BPF_CORE_READ(sk, sk_type);
	call->protocol = BPF_CORE_READ(sk, sk_protocol);
	call->bound_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	call->bound_device = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	call->sharing = sharing_of(sk);
	call->socket_netns = BPF_CORE_READ(net, ns.inum);
	call->owner_userns = BPF_CORE_READ(net, user_ns, ns.inum);
	call->socket_uid = BPF_CORE_READ(sk, sk_uid.val);
	call->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	call->locks = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks);
	fill_ports(call, sk, net);
}

/* The kernel's copy of a unix socket's own address: its length, header of two bytes included, or 0. */
static __always_inline __u32 unix_address_of(struct sock *sk, const char **name)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);

	if (!address)
		return 0;
	*name = (const char *)address + bpf_core_field_offset(struct unix_address, name);
	return BPF_CORE_READ(address, len);
}

#endif
