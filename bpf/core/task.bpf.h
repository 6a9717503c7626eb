/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who made the call: ids, namespaces, container. */
#ifndef SOCKWARD_CORE_TASK_H
#define SOCKWARD_CORE_TASK_H

#include "core/maps.bpf.h"

/* The suffixes are not part of the names: they keep apart what newer headers have, too. */
enum bpf_func_id___since_6_2 {
	BPF_FUNC_cgrp_storage_get___since_6_2 = 210,
};

/*
 * Since 5.11 the current task can be had as a typed pointer, through which fields are plain loads: a tenth of
 * the cost of a helper call for each. From 6.2 on the verifier looks for a type by its name at each step, a
 * millisecond each: those kernels have casts (core/read.bpf.h), and helper calls where they refuse them. What
 * is not so on this kernel is compiled away at load.
 */
static __always_inline int has_typed_task(void)
{
#ifdef SOCKWARD_CAN_CAST
	return 0;
#endif
	return settings.kernel_types &&
		bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf) &&
		!bpf_core_enum_value_exists(enum bpf_func_id___since_6_2,
					    BPF_FUNC_cgrp_storage_get___since_6_2);
}

static __always_inline struct task_struct *current_task(void)
{
	if (has_typed_task())
		return (struct task_struct *)bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * READ() through a pointer that the kernel handed over, or that was followed from one by this: it has its
 * type where the current task has. What was computed or read by READ() has none.
 */
#define FOLLOW(pointer, ...) (has_typed_task() ? ___arrow(pointer, __VA_ARGS__) : READ(pointer, __VA_ARGS__))

/* Where css_set keeps the state of the chosen v1 controller: that depends on the kernel's configuration. */
static __always_inline __u64 subsystem_offset(void)
{
	__u64 id = settings.hierarchy == SOCKWARD_CGROUP_V1_PIDS
		? bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)
		: bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);

	return bpf_core_field_offset(struct css_set, subsys) + id * sizeof(void *);
}

/* Of the chosen v1 controller. */
static __always_inline struct cgroup_subsys_state *subsystem_state(struct css_set *set)
{
	if (has_typed_task())
		return *(struct cgroup_subsys_state **)((void *)set + subsystem_offset());
	return pointer_at((const void *)set + subsystem_offset());
}

/* Id of the task's cgroup in the hierarchy that tells containers apart on this host. */
static __always_inline __u64 container_key_of(struct task_struct *task)
{
	struct css_set *set = FOLLOW(task, cgroups);

	if (settings.hierarchy == SOCKWARD_CGROUP_V2)
		return FOLLOW(set, dfl_cgrp, kn, id);
	return FOLLOW(subsystem_state(set), cgroup, kn, id);
}

/*
 * Does the current call come by the 32-bit entry? The kernel marks the thread while it lasts
 * (arch/x86/include/asm/thread_info.h, TS_COMPAT).
 */
static __always_inline int is_compat_call(void)
{
	const __u32 compat = 2;

	if (!bpf_core_field_exists(struct thread_info, status))
		return 0;
	return (FOLLOW(current_task(), thread_info.status) & compat) != 0;
}

/* The same of the current task. A function of its own: the verifier looks at it once. */
__weak __attribute__((noinline)) __u64 current_container_key(void)
{
	return container_key_of(current_task());
}

/* The pid namespace the task lives in (not the one its children will get). */
static __always_inline __u32 pid_namespace_of(struct task_struct *task)
{
	struct pid *typed = FOLLOW(task, thread_pid), *pid = (struct pid *)number_of_typed(typed);
	__u32 level = FOLLOW(typed, level);
	const void *entry = (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid);

	return READ((struct pid_namespace *)pointer_at(entry + bpf_core_field_offset(struct upid, ns)),
		    ns.inum);
}

/* The root and the working directory are the thread's own. */
static __always_inline void fill_directories(struct sockward_header *header, struct task_struct *task)
{
	struct fs_struct *fs = FOLLOW(task, fs);
	struct inode *inode = FOLLOW(fs, root.dentry, d_inode);

	header->root_inode = FOLLOW(inode, i_ino);
	header->root_device = FOLLOW(inode, i_sb, s_dev);
	inode = FOLLOW(fs, pwd.dentry, d_inode);
	header->working_inode = FOLLOW(inode, i_ino);
	header->working_device = FOLLOW(inode, i_sb, s_dev);
}

/*
 * The count of changes of a mount namespace. The kernel has one for all: it gives the next number to the
 * namespace that changed. 0 is a namespace that never did, reported as 1, which no other can have any more; 0
 * here: not known.
 */
static __always_inline __u64 mount_event_of(struct mnt_namespace *namespace)
{
	__u64 event;

	if (!namespace || !bpf_core_field_exists(namespace->event))
		return 0;
	event = FOLLOW(namespace, event);
	return event ? event : 1;
}

/* The name of a task, 16 bytes. The kernel's own ends with a NUL. */
static __always_inline void read_comm(char *to, struct task_struct *task)
{
#ifdef SOCKWARD_CAN_CAST
	const __u64 *comm = (const __u64 *)TYPED(task)->comm;

	((__u64 *)to)[0] = comm[0];
	((__u64 *)to)[1] = comm[1];
#else
	bpf_probe_read_kernel_str(to, sizeof(task->comm), &task->comm);
#endif
}

static __always_inline void fill_actor(struct sockward_header *header, struct task_struct *task)
{
	struct task_struct *leader = FOLLOW(task, group_leader);
	struct nsproxy *namespaces = FOLLOW(task, nsproxy);
	struct cred *cred = FOLLOW(task, cred);
	struct mnt_namespace *mounts;

	/* Not by the helpers for it: 5.10 refuses them to cgroup programs. */
	header->tgid = FOLLOW(task, tgid);
	header->tid = FOLLOW(task, pid);
	header->uid = FOLLOW(cred, uid.val);
	header->leader_start_ns = FOLLOW(leader, start_boottime);
	header->netns = FOLLOW(namespaces, net_ns, ns.inum);
	header->utsns = FOLLOW(namespaces, uts_ns, ns.inum);
	mounts = FOLLOW(namespaces, mnt_ns);
	header->mntns = FOLLOW(mounts, ns.inum);
	header->mount_event = mount_event_of(mounts);
	header->pidns = pid_namespace_of(task);
	header->userns = FOLLOW(cred, user_ns, ns.inum);
	header->fsuid = FOLLOW(cred, fsuid.val);
	header->fsgid = FOLLOW(cred, fsgid.val);
	bpf_probe_read_kernel(&header->cap_effective, sizeof(header->cap_effective),
			      (const void *)cred + bpf_core_field_offset(struct cred, cap_effective));
	read_comm(header->comm, leader);
	fill_directories(header, task);
}

#endif
