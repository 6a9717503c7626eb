// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Walks the open files of all processes on request and writes every bound socket with who has it open: the
 * holders of names, in every network namespace, in one pass. Sockets that no process has open (the kernel's
 * own, TIME_WAIT) are not here.
 *
 * Among a million sockets what is written costs more than the pass: the agent says what it looks for, and
 * everything else is left after a few loads.
 */
#include "core/open_socket.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sockward_open_socket);
} walk_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sockward_socket_filter);
} socket_filter SEC(".maps");

/* Abstract names that are looked for: sockward_name_hash() of each, as one of network namespace 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SOCKWARD_FILTER_NAMES);
	__type(key, __u64);
	__type(value, __u8);
} filter_names SEC(".maps");

static __always_inline int has_bit(const __u64 *bits, __u32 words, __u32 bit)
{
	return bits[bit >> 6 & (words - 1)] >> (bit & 63) & 1;
}

/* May this socket be one that is looked for? Only what a few loads tell. */
static __always_inline int may_be_wanted(const struct sockward_socket_filter *filter, struct sock *sk)
{
	__u32 family = family_of(sk), length;
	const char *address = 0;

	if (family == SOCKWARD_FAMILY_UNIX) {
		length = unix_address_of(sk, &address);
		if (length <= UNIX_PATH_OFFSET + 1)
			return 0;
		if (READ((struct unix_sock *)sk, path.dentry))
			return filter->paths;
		return has_bit(filter->name_lengths, 2, length - UNIX_PATH_OFFSET - 1);
	}
	if (family == SOCKWARD_FAMILY_INET || family == SOCKWARD_FAMILY_INET6)
		return has_bit(filter->ports, 1024, READ(sk, __sk_common.skc_num));
	return family == SOCKWARD_FAMILY_NETLINK && filter->netlink;
}

/* The same name in every network namespace: rules report holders in other ones, too. */
static __always_inline int is_wanted_name(struct sockward_bound_name *name)
{
	__u32 netns = name->netns;
	__u64 hash;

	if (name->kind != SOCKWARD_NAME_ABSTRACT)
		return 1;
	name->netns = 0;
	hash = sockward_name_hash(name);
	name->netns = netns;
	return bpf_map_lookup_elem(&filter_names, &hash) != 0;
}

/* One of the many, beyond those that there is room for, is counted only. */
static __always_inline int has_room(struct sockward_socket_filter *filter, __u32 kind, __u32 type,
				    __u32 state)
{
	__u32 idle = state == TCP_CLOSE || type == SOCK_DGRAM || type == SOCK_RAW;
	__u32 many = (idle ? SOCKWARD_MANY_INET_IDLE : 0) + (kind != SOCKWARD_NAME_INET);

	if (state == TCP_LISTEN || (idle && kind == SOCKWARD_NAME_PATH) || !filter->most[many & 3])
		return 1;
	if (filter->met[many & 3]++ < filter->most[many & 3])
		return 1;
	if (kind < 5)
		filter->left_out[kind]++;
	return 0;
}

SEC("iter/task_file")
int sockets_iter(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct sockward_socket_filter *filter;
	struct sockward_open_socket *entry;
	struct file *file = context->file;
	struct socket_links links;
	struct socket *socket;
	__u32 slot = 0;
	struct sock *sk;

	if (!task || !file || (FOLLOW(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = FOLLOW(file, private_data);
	if (!socket)
		return 0;
	read_links(&links, socket);
	if (links.file != file)
		return 0;
	sk = links.sk;
	filter = bpf_map_lookup_elem(&socket_filter, &slot);
	if (!sk || !filter || (filter->on && !may_be_wanted(filter, sk)))
		return 0;
	entry = bpf_map_lookup_elem(&walk_scratch, &slot);
	if (!entry || !name_of_socket(sk, family_of(sk), &entry->name) ||
	    (filter->on && !is_wanted_name(&entry->name)))
		return 0;
	entry->type = READ(sk, sk_type);
	entry->state = READ(sk, __sk_common.skc_state);
	if (!has_room(filter, entry->name.kind, entry->type, entry->state))
		return 0;
	fill_owner(&entry->owner, task, sk, file, entry->name.kind);
	entry->owner.fd = context->fd;
	entry->fd = context->fd;
	fill_file(entry, sk);
	fill_queue(entry, sk);
	bpf_seq_write(context->meta->seq, entry, sizeof(*entry));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
