/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of the kernel's types (core/kernel.bpf.h): tasks, with their namespaces, rights, cgroups and files. */
#ifndef SOCKWARD_CORE_KERNEL_TASKS_H
#define SOCKWARD_CORE_KERNEL_TASKS_H

#include <linux/bpf.h>

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
	struct cred *cred;
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

/* Any memory that holds eight bytes: what is read through it has no type. */
struct timespec64 {
	__s64 tv_sec;
};

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

#pragma clang attribute pop

#endif
