/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name table: who bound what, remembered when the bind succeeds. A holder may live for milliseconds: looking it up
 * afterwards is too late. The name comes from the kernel's own socket, never from the caller's memory.
 */
#ifndef SOCKWARD_CORE_BOUND_NAME_H
#define SOCKWARD_CORE_BOUND_NAME_H

#include "core/address.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct sockward_bound_name);
	__type(value, struct sockward_binder);
} bound_names __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2); /* the walk can be interrupted by a bind on its CPU: one each */
	__type(key, __u32);
	__type(value, struct sockward_open_socket);
} name_table_scratch __weak SEC(".maps");

static __always_inline int name_of_unix(struct sock *sk, struct sockward_bound_name *name)
{
	const char *address = 0;
	__u64 bytes = unix_address_of(sk, &address);
	struct inode *inode = BPF_CORE_READ((struct unix_sock *)sk, path.dentry, d_inode);

	if (inode) {
		struct sockward_file_name file = {
			.device = BPF_CORE_READ(inode, i_sb, s_dev),
			.inode = BPF_CORE_READ(inode, i_ino),
		};

		name->kind = SOCKWARD_NAME_PATH;
		name->size = sizeof(file);
		__builtin_memcpy(name->bytes, &file, sizeof(file));
		return 1;
	}
	if (bytes <= UNIX_PATH_OFFSET + 1)
		return 0;
	bytes = at_most(bytes - UNIX_PATH_OFFSET - 1, SOCKWARD_NAME_MAX);
	name->kind = SOCKWARD_NAME_ABSTRACT;
	name->size = bytes;
	name->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	return !bpf_probe_read_kernel(name->bytes, bytes, address + UNIX_PATH_OFFSET + 1);
}

static __always_inline int name_of_inet(struct sock *sk, __u32 family, struct sockward_bound_name *name)
{
	struct sockward_inet_name inet = {
		.family = BPF_CORE_READ(sk, __sk_common.skc_family),
		.protocol = BPF_CORE_READ(sk, sk_protocol),
		.port = BPF_CORE_READ(sk, __sk_common.skc_num),
	};

	if (!inet.port)
		return 0;
	if (family == SOCKWARD_FAMILY_INET)
		bpf_core_read(inet.address, 4, &sk->__sk_common.skc_rcv_saddr);
	else
		bpf_core_read(inet.address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	name->kind = SOCKWARD_NAME_INET;
	name->size = sizeof(inet);
	name->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	__builtin_memcpy(name->bytes, &inet, sizeof(inet));
	return 1;
}

/* Fills the name of a bound socket. 0: it has none that can be held. */
static __always_inline int name_of_socket(struct sock *sk, struct sockward_bound_name *name)
{
	__u32 family = family_of(sk);

	__builtin_memset(name, 0, sizeof(*name));
	if (family == SOCKWARD_FAMILY_UNIX)
		return name_of_unix(sk, name);
	if (family == SOCKWARD_FAMILY_INET || family == SOCKWARD_FAMILY_INET6)
		return name_of_inet(sk, family, name);
	return 0;
}

/* Remembers the caller as the one who bound this socket. */
static __always_inline void remember_binder(struct sock *sk, struct file *file)
{
	struct sockward_open_socket *scratch;
	struct task_struct *task = current_task(), *leader;
	struct sockward_binder *owner;
	__u32 slot = 0;

	scratch = bpf_map_lookup_elem(&name_table_scratch, &slot);
	if (!scratch || !name_of_socket(sk, &scratch->name))
		return;
	leader = BPF_CORE_READ(task, group_leader);
	owner = &scratch->owner;
	__builtin_memset(owner, 0, sizeof(*owner));
	owner->time_ns = bpf_ktime_get_ns();
	owner->leader_start_ns = BPF_CORE_READ(leader, start_boottime);
	owner->container_key = current_container_key();
	owner->socket_inode = BPF_CORE_READ(file, f_inode, i_ino);
	owner->tgid = bpf_get_current_pid_tgid() >> 32;
	owner->uid = (__u32)bpf_get_current_uid_gid();
	owner->pidns = pid_namespace_of(task);
	bpf_probe_read_kernel_str(owner->comm, sizeof(owner->comm), &leader->comm);
	bpf_map_update_elem(&bound_names, &scratch->name, owner, BPF_ANY);
}

#endif
