/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name table: who bound what, remembered when the bind succeeds. A holder may live for milliseconds:
 * looking it up afterwards is too late. The name comes from the kernel's own socket, never from the caller's
 * memory.
 */
#ifndef SOCKWARD_CORE_BOUND_NAME_H
#define SOCKWARD_CORE_BOUND_NAME_H

#include <sockward/hash.h>

#include "core/address.bpf.h"
#include "core/watch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* sockward_name_hash() */
	__type(value, struct sockward_named_binder);
} bound_names __weak SEC(".maps");

/* Which socket file was bound last under a name: a second one means that the first was removed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct sockward_directory_entry);
	__type(value, struct sockward_file_name);
} bound_entries __weak SEC(".maps");

/* Where the file of a bound socket lies. 0: it has none. */
static __always_inline int entry_of_socket(struct sock *sk, struct sockward_directory_entry *entry)
{
	struct dentry *dentry = READ((struct unix_sock *)sk, path.dentry);
	struct inode *directory = READ(dentry, d_parent, d_inode);

	entry->directory.device = READ(directory, i_sb, s_dev);
	entry->directory.inode = READ(directory, i_ino);
	entry->name_hash = READ(dentry, d_name.hash_len);
	return directory != 0;
}

static __always_inline int name_of_unix(struct sock *sk, struct sockward_bound_name *name)
{
	const char *address = 0;
	__u64 bytes = unix_address_of(sk, &address);
	struct inode *inode = READ((struct unix_sock *)sk, path.dentry, d_inode);

	if (inode) {
		struct sockward_file_name file = {
			.device = READ(inode, i_sb, s_dev),
			.inode = READ(inode, i_ino),
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
	name->netns = READ(sk, __sk_common.skc_net.net, ns.inum);
	return !bpf_probe_read_kernel(name->bytes, bytes, address + UNIX_PATH_OFFSET + 1);
}

static __always_inline int name_of_inet(struct sock *sk, __u32 family, struct sockward_bound_name *name)
{
	__u16 protocol = READ(sk, sk_protocol);
	struct sockward_inet_name inet = {
		.family = READ(sk, __sk_common.skc_family),
		/* A port of MPTCP is one of TCP. */
		.protocol = protocol == IPPROTO_MPTCP ? IPPROTO_TCP : protocol,
		.port = READ(sk, __sk_common.skc_num),
	};

	if (!inet.port)
		return 0;
	if (family == SOCKWARD_FAMILY_INET)
		bpf_core_read(inet.address, 4, &sk->__sk_common.skc_rcv_saddr);
	else
		bpf_core_read(inet.address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	name->kind = SOCKWARD_NAME_INET;
	name->size = sizeof(inet);
	name->netns = READ(sk, __sk_common.skc_net.net, ns.inum);
	__builtin_memcpy(name->bytes, &inet, sizeof(inet));
	return 1;
}

static __always_inline int name_of_netlink(struct sock *sk, struct sockward_bound_name *name)
{
	struct sockward_netlink_name netlink = {.protocol = READ(sk, sk_protocol)};

	if (!bpf_core_field_exists(struct netlink_sock, portid))
		return 0;
	netlink.port = READ((struct netlink_sock *)sk, portid);
	if (!netlink.port)
		return 0;
	name->kind = SOCKWARD_NAME_NETLINK;
	name->size = sizeof(netlink);
	name->netns = READ(sk, __sk_common.skc_net.net, ns.inum);
	__builtin_memcpy(name->bytes, &netlink, sizeof(netlink));
	return 1;
}

/* Fills the name of a bound socket of this family. 0: it has none that can be held. */
static __always_inline int name_of_socket(struct sock *sk, __u32 family, struct sockward_bound_name *name)
{
	__builtin_memset(name, 0, sizeof(*name));
	if (family == SOCKWARD_FAMILY_UNIX)
		return name_of_unix(sk, name);
	if (family == SOCKWARD_FAMILY_INET || family == SOCKWARD_FAMILY_INET6)
		return name_of_inet(sk, family, name);
	if (family == SOCKWARD_FAMILY_NETLINK)
		return name_of_netlink(sk, name);
	return 0;
}

/* Of the inode of a socket file. kind: of the socket's name, enum sockward_name_kind. */
static __always_inline __u32 file_generation(struct sock *sk, __u32 kind)
{
	if (kind != SOCKWARD_NAME_PATH)
		return 0;
	return READ((struct unix_sock *)sk, path.dentry, d_inode, i_generation);
}

/* kind: of the socket's name, enum sockward_name_kind. */
static __always_inline void fill_owner(struct sockward_binder *owner, struct task_struct *task,
				       struct sock *sk, struct file *file, __u32 kind)
{
	struct task_struct *leader = FOLLOW(task, group_leader);

	__builtin_memset(owner, 0, sizeof(*owner));
	owner->leader_start_ns = FOLLOW(leader, start_boottime);
	owner->container_key = container_key_of(task);
	owner->socket_inode = READ(file, f_inode, i_ino);
	owner->tgid = FOLLOW(task, tgid);
	owner->uid = FOLLOW(task, cred, uid.val);
	owner->pidns = pid_namespace_of(task);
	owner->mntns = FOLLOW(task, nsproxy, mnt_ns, ns.inum);
	owner->socket_uid = READ(sk, sk_uid.val);
	owner->generation = file_generation(sk, kind);
	/* Names of AF_UNIX are not shared, nor are they of a device. */
	if (kind == SOCKWARD_NAME_INET) {
		owner->bound_device = READ(sk, __sk_common.skc_bound_dev_if);
		owner->sharing = sharing_of(sk);
	}
	owner->sock = (__u64)sk;
	owner->leader = (__u64)leader;
	read_comm(owner->comm, leader);
}

/* Remembers which file has the name now. 1: another one had it before: `replaced`. */
static __always_inline int remember_entry(struct sock *sk, const struct sockward_bound_name *name,
					  struct sockward_file_name *replaced)
{
	struct sockward_directory_entry entry = {};
	struct sockward_file_name file, *before;
	int other = 0;

	__builtin_memcpy(&file, name->bytes, sizeof(file));
	if (!entry_of_socket(sk, &entry))
		return 0;
	before = bpf_map_lookup_elem(&bound_entries, &entry);
	if (before && (before->inode != file.inode || before->device != file.device)) {
		*replaced = *before;
		other = 1;
	}
	/* Not in its place: the table may have given that to another name meanwhile. */
	bpf_map_update_elem(&bound_entries, &entry, &file, BPF_ANY);
	return other;
}

static __always_inline int same_name(const struct sockward_bound_name *one,
				     const struct sockward_bound_name *other)
{
	const __u64 *left = (const __u64 *)one, *right = (const __u64 *)other;
	__u64 difference = 0;

	SOCKWARD_ROLLED
	for (unsigned int i = 0; i < sizeof(*one) / sizeof(*left); i++)
		difference |= left[i] ^ right[i];
	return !difference;
}

/* What is put into the name table: too large for the stack. bind and io_uring's bind have an area each. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2); /* bind, and io_uring's */
	__type(key, __u32);
	__type(value, struct sockward_named_binder);
} bind_scratch __weak SEC(".maps");

/*
 * Puts what is in the area into the name table. A function of its own: the verifier looks at it once, and its
 * words do not share the stack of the caller.
 */
__weak __attribute__((noinline)) int keep_binder(__u32 slot)
{
	struct sockward_named_binder *scratch = bpf_map_lookup_elem(&bind_scratch, &slot), *known;
	struct sockward_cpu_counters *block = cpu_counters();
	__u64 hash;

	if (!scratch || !block)
		return 0;
	hash = sockward_name_hash(&scratch->name);
	/*
	 * Most names are new: one look-up, which the insertion makes itself. Its answer is an int, of whose
	 * upper half nothing is known before 6.4.
	 */
	if ((int)bpf_map_update_elem(&bound_names, &hash, scratch, BPF_NOEXIST) != -EEXIST) {
		add_one(&block->names_new);
		return 0;
	}
	known = bpf_map_lookup_elem(&bound_names, &hash);
	/* Another name with this hash makes room for it: that counts as evicted. */
	if (!known || !same_name(&known->name, &scratch->name))
		add_one(&block->names_new);
	bpf_map_update_elem(&bound_names, &hash, scratch, BPF_ANY);
	return 0;
}

/*
 * Remembers the caller as the one who bound this socket. 1: its file took the name of `replaced`. A netlink
 * port that the kernel chose (asked_port 0) is not remembered: everybody who looks a host up gets one for a
 * moment.
 */
static __always_inline int remember_binder(__u32 probe, struct sock *sk, __u32 family, int fd,
					   __u32 asked_port, struct sockward_file_name *replaced)
{
	__u32 slot = probe != SOCKWARD_BIND;
	struct sockward_named_binder *scratch = bpf_map_lookup_elem(&bind_scratch, &slot);
	struct sockward_cpu_counters *block = cpu_counters();
	int is_path;

	if (!block || !scratch || !name_of_socket(sk, family, &scratch->name))
		return 0;
	if (scratch->name.kind == SOCKWARD_NAME_NETLINK && !asked_port)
		return 0;
	fill_owner(&scratch->binder, current_task(), sk, READ(sk, sk_socket, file), scratch->name.kind);
	scratch->binder.time_ns = bpf_ktime_get_ns();
	scratch->binder.fd = fd;
	keep_binder(slot);
	is_path = scratch->name.kind == SOCKWARD_NAME_PATH;
	add_one(&block->names_bound[!is_path]);
	if (!is_path)
		return 0;
	watch_process(SOCKWARD_WATCH_BINDER);
	return remember_entry(sk, &scratch->name, replaced);
}

/* What the name table says of this very socket; NULL: nothing, or of another one under its name. */
static __always_inline struct sockward_binder *binder_of(struct sock *sk, __u32 family, struct file *file)
{
	struct sockward_named_binder *entry;
	struct sockward_bound_name name;
	__u64 hash;

	if (!name_of_socket(sk, family, &name))
		return 0;
	hash = sockward_name_hash(&name);
	entry = bpf_map_lookup_elem(&bound_names, &hash);
	/* An accepted socket has its listener's name. */
	if (!entry || entry->binder.sock != (__u64)sk ||
	    entry->binder.socket_inode != READ(file, f_inode, i_ino))
		return 0;
	return &entry->binder;
}

/* The socket listens from now on: it does not share its port any more (SO_REUSEADDR). */
__weak __attribute__((noinline)) int note_listening(int fd)
{
	struct file *file = file_of_fd(fd);
	struct sock *sk = sock_of_call(fd, 0);
	struct sockward_binder *binder;

	if (!sk || !cpu_counters())
		return 0;
	binder = binder_of(sk, family_of(sk), file);
	if (!binder || binder->listening_ns)
		return 0;
	binder->listening_ns = bpf_ktime_get_ns();
	return 0;
}

/* The socket is released: its name is free from now on. Its entry stays, with the time. */
static __always_inline void note_release(struct sock *sk, __u32 family, struct file *file)
{
	struct sockward_binder *binder = binder_of(sk, family, file);

	if (!binder || binder->released_ns)
		return;
	/* Options may have been set after the bind. */
	if (family != SOCKWARD_FAMILY_UNIX)
		binder->sharing = sharing_of(sk);
	if (READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		binder->sharing |= SOCKWARD_LISTENED;
	binder->released_ns = bpf_ktime_get_ns();
}

#endif
