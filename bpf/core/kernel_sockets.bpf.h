/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of the kernel's types (core/kernel.bpf.h): sockets, their addresses, and the network they are in. */
#ifndef SOCKWARD_CORE_KERNEL_SOCKETS_H
#define SOCKWARD_CORE_KERNEL_SOCKETS_H

#include "core/kernel_tasks.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct local_ports {
	__u32 range; /* high << 16 | low, since 6.8 */
};

struct local_ports___old {
	int range[2];
};

struct netns_ipv4 {
	int sysctl_ip_prot_sock; /* since 4.11; absent without CONFIG_SYSCTL */
	struct local_ports ip_local_ports;
};

struct list_head {
	struct list_head *next;
};

struct net {
	struct list_head dev_base_head; /* of struct net_device, by dev_list */
	struct user_namespace *user_ns;
	struct ns_common ns;
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	__be16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	unsigned short skc_num;
	possible_net_t skc_net;
	unsigned long skc_flags;
};

struct sk_buff {
	char cb[48]; /* in an error queue: struct sock_exterr_skb */
};

struct sk_buff_head {
	struct sk_buff *prev; /* the last one */
	__u32 qlen;
};

/* An error that a program can fetch (include/linux/errqueue.h). */
struct sock_extended_err___kernel {
	__u32 ee_errno;
	__u8 ee_origin;
};

struct sock_exterr_skb {
	struct sock_extended_err___kernel ee;
};

typedef struct {
	atomic_t refs;
} refcount_t;

typedef struct {
	int owned; /* a program is in a call on the socket */
} socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	unsigned short sk_type;
	unsigned short sk_protocol; /* plain fields since 5.6 */
	unsigned char sk_userlocks : 4;
	kuid_t sk_uid;
	struct sk_buff_head sk_receive_queue, sk_error_queue;
	socket_lock_t sk_lock;
	refcount_t sk_wmem_alloc; /* bytes of what was sent and is under way, and one */
	int sk_sndbuf;
	__u32 sk_ack_backlog, sk_max_ack_backlog;
	int sk_err; /* why it was closed, until the program has been told; not negative */
	int sk_err_soft; /* what ICMP said while the socket was in use, until the program has been told */
	struct socket *sk_socket;
};

struct tcp_sock {
	__u32 segs_in; /* segments received (net/ipv4/tcp_ipv4.c, tcp_v4_rcv); no ICMP */
	__u32 segs_out; /* segments sent, those sent again too */
	_Bool is_mptcp; /* it carries a part of an MPTCP connection */
};

struct inet_sock {
	__u32 local_port_range; /* high << 16 | low, since 6.8 */
};

struct inet_sock___pair { /* 6.3 */
	struct {
		__u16 lo, hi;
	} local_port_range;
};

struct mptcp_sock {
	struct sock *first; /* the TCP socket that listens for it */
};

struct netlink_sock {
	__u32 portid;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct msghdr {
	void *msg_name; /* the kernel's copy, or NULL */
	int msg_namelen;
};

struct sockaddr_un {
	unsigned short sun_family;
};

struct unix_address {
	refcount_t refcnt; /* sockets that have it */
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct ipv6_devconf {
	__s32 disable_ipv6;
};

struct inet6_dev {
	struct list_head addr_list; /* of struct inet6_ifaddr, by if_list */
	struct ipv6_devconf cnf;
};

struct inet6_ifaddr {
	struct in6_addr addr;
	struct list_head if_list;
	__u32 flags; /* IFA_F_* */
};

struct net_device {
	struct list_head dev_list;
	struct inet6_dev *ip6_ptr;
	unsigned int flags; /* IFF_* */
	int ifindex;
};

#pragma clang attribute pop

#endif
