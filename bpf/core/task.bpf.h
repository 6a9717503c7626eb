/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who made the call: ids, namespaces, container. */
#ifndef SOCKWARD_CORE_TASK_H
#define SOCKWARD_CORE_TASK_H

#include "core/maps.bpf.h"

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * Since 5.11 the current task can be had as a typed pointer, through which fields are plain loads: a tenth of
 * the cost of a helper call for each. Only the hot paths have both forms; false is compiled away at load.
 */
static __always_inline int has_typed_task(void)
{
#ifdef SOCKWARD_CAN_CAST
	return 0; /* READ() is as cheap, and cheaper for the verifier */
#endif
	return settings.kernel_types &&
		bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

/* Where css_set keeps the state of the chosen v1 controller: that depends on the kernel's configuration. */
static __always_inline __u64 subsystem_offset(void)
{
	__u64 id = settings.hierarchy == SOCKWARD_CGROUP_V1_PIDS
		? bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)
		: bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);

	return bpf_core_field_offset(struct css_set, subsys) + id * sizeof(void *);
}

static __always_inline __u64 typed_container_key(void)
{
	struct css_set *set = ((struct task_struct *)bpf_get_current_task_btf())->cgroups;
	struct cgroup_subsys_state *state;

	if (settings.hierarchy == SOCKWARD_CGROUP_V2)
		return set->dfl_cgrp->kn->id;
	state = *(struct cgroup_subsys_state **)((void *)set + subsystem_offset());
	return state->cgroup->kn->id;
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
	return (READ(current_task(), thread_info.status) & compat) != 0;
}

/*
 * Id of the current task's cgroup in the hierarchy that tells containers apart on this host. A function of
 * its own, as everything that follows a typed pointer: at each step from one the verifier of 6.x looks for a
 * type by its name, one by one through all types of the kernel, a millisecond each, and inlined it would do
 * so on every path.
 */
__weak __attribute__((noinline)) __u64 current_container_key(void)
{
	struct cgroup_subsys_state *state;
	struct css_set *set;

	if (has_typed_task())
		return typed_container_key();
	set = READ(current_task(), cgroups);
	if (settings.hierarchy == SOCKWARD_CGROUP_V2)
		return READ(set, dfl_cgrp, kn, id);
	state = pointer_at((const void *)set + subsystem_offset());
	return READ(state, cgroup, kn, id);
}

/* The same of any task. */
static __always_inline __u64 container_key_of(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup_subsys_state *state;

	if (settings.hierarchy == SOCKWARD_CGROUP_V2)
		return READ(set, dfl_cgrp, kn, id);
	state = pointer_at((const void *)set + subsystem_offset());
	return READ(state, cgroup, kn, id);
}

/* The pid namespace the task lives in (not the one its children will get). */
static __always_inline __u32 pid_namespace_of(struct task_struct *task)
{
	struct pid *pid = (struct pid *)number_of(READ(task, thread_pid));
	__u32 level = READ(pid, level);
	const void *entry = (const void *)pid + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid);

	return READ((struct pid_namespace *)pointer_at(entry + bpf_core_field_offset(struct upid, ns)),
		    ns.inum);
}

/* The root and the working directory are the thread's own. */
static __always_inline void fill_directories(struct sockward_header *header, struct task_struct *task)
{
	struct fs_struct *fs = READ(task, fs);
	struct inode *inode = READ(fs, root.dentry, d_inode);

	header->root_inode = READ(inode, i_ino);
	header->root_device = READ(inode, i_sb, s_dev);
	inode = READ(fs, pwd.dentry, d_inode);
	header->working_inode = READ(inode, i_ino);
	header->working_device = READ(inode, i_sb, s_dev);
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
	event = READ(namespace, event);
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
	struct task_struct *leader = READ(task, group_leader);
	struct nsproxy *namespaces = READ(task, nsproxy);
	struct cred *cred = READ(task, cred);
	struct mnt_namespace *mounts;

	/* Not by the helpers for it: 5.10 refuses them to cgroup programs. */
	header->tgid = READ(task, tgid);
	header->tid = READ(task, pid);
	header->uid = READ(cred, uid.val);
	header->leader_start_ns = READ(leader, start_boottime);
	header->netns = READ(namespaces, net_ns, ns.inum);
	header->utsns = READ(namespaces, uts_ns, ns.inum);
	mounts = READ(namespaces, mnt_ns);
	header->mntns = READ(mounts, ns.inum);
	header->mount_event = mount_event_of(mounts);
	header->pidns = pid_namespace_of(task);
	header->userns = READ(cred, user_ns, ns.inum);
	header->fsuid = READ(cred, fsuid.val);
	header->fsgid = READ(cred, fsgid.val);
	bpf_probe_read_kernel(&header->cap_effective, sizeof(header->cap_effective),
			      (const void *)cred + bpf_core_field_offset(struct cred, cap_effective));
	read_comm(header->comm, leader);
	fill_directories(header, task);
}

#endif
