/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types the programs read, and of each only the fields they use: CO-RE finds the real
 * offsets when the object is loaded, so neither kernel headers nor BTF are needed to build.
 * Every struct carries preserve_access_index. Facts of a kernel version stand beside the field.
 */
#ifndef SOCKWARD_CORE_KERNEL_H
#define SOCKWARD_CORE_KERNEL_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EAGAIN 11
#define EADDRNOTAVAIL 99
#define EACCES 13
#define EBUSY 16
#define ENOTDIR 20
#define EINVAL 22
#define ENAMETOOLONG 36
#define ELOOP 40
#define ENOTSOCK 88
#define EPROTOTYPE 91
#define EOPNOTSUPP 95
#define ENETUNREACH 101
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113
#define EINPROGRESS 115

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_VSOCK 40
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262
#define TCP_LISTEN 10 /* include/net/tcp_states.h */
#define SOCK_DEAD 0 /* bit of skc_flags, include/net/sock.h (enum sock_flags): the socket was released */
#define AT_FDCWD (-100)
#define S_IFMT 0170000
#define S_IFSOCK 0140000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	struct ns_common ns;
};

struct pid_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
	__u64 event; /* fs/mount.h */
};

struct new_utsname {
	char nodename[65];
	char domainname[65];
};

struct uts_namespace {
	struct new_utsname name;
	struct user_namespace *user_ns;
	struct ns_common ns;
};

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

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

typedef struct {
	__u64 val; /* two __u32 before 6.3: the same 8 bytes, read as such */
} kernel_cap_t;

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

struct group_info {
	int ngroups;
	kgid_t gid[1]; /* ngroups of them */
};

struct cred {
	kuid_t uid;
	kuid_t fsuid;
	kgid_t fsgid;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct kernfs_node {
	__u64 id; /* since 5.5 a plain number */
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

/* Real values come from the running kernel: they depend on its configuration. */
enum cgroup_subsys_id {
	memory_cgrp_id = 4,
	pids_cgrp_id = 11,
};

struct qstr {
	__u64 hash_len; /* hash and length in one; salted with the parent, include/linux/dcache.h */
	const unsigned char *name;
};

struct super_block {
	unsigned int s_dev;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_nlink;
	__u32 i_generation;
	unsigned long i_ino; /* 7.x: u64; read with its true size */
	struct super_block *i_sb;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name; /* in an anonymous union since 6.15 */
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct file {
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
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
	__be32 skc_rcv_saddr;
	struct in6_addr skc_v6_rcv_saddr;
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

struct sk_buff_head {
	__u32 qlen;
};

struct sock {
	struct sock_common __sk_common;
	unsigned short sk_type;
	unsigned short sk_protocol; /* plain fields since 5.6 */
	unsigned char sk_userlocks : 4;
	kuid_t sk_uid;
	struct sk_buff_head sk_receive_queue;
	__u32 sk_ack_backlog, sk_max_ack_backlog;
	struct socket *sk_socket;
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

struct sockaddr_un {
	unsigned short sun_family;
};

struct unix_address {
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not begun to exit */
	int group_exit_code;
};

struct mm_struct {
	unsigned long arg_start, arg_end; /* the arguments of the last exec, one after the other */
};

struct seccomp {
	int mode; /* 2: filters */
};

struct linux_binprm;

struct thread_info {
	unsigned int status; /* x86 */
};

struct task_struct {
	struct thread_info thread_info; /* CONFIG_THREAD_INFO_IN_TASK */
	void *stack;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct seccomp seccomp; /* absent without CONFIG_SECCOMP */
	int exit_code;
	unsigned int flags; /* PF_* */
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	__u64 start_boottime; /* real_start_time before 5.5 */
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, r10, r8, r9;
	unsigned long bx, cx; /* of a 32-bit caller */
	unsigned long orig_ax; /* number of the call */
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	unsigned long regs[31];
	unsigned long orig_x0;
	int syscallno;
};
#else
#error "sockward knows the system-call registers of x86-64 and arm64 only"
#endif

struct seq_file {
	unsigned long count;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num; /* of the step, from 0 */
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_map;

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
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
