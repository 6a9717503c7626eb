/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has a socket that bound a name still that name? */
#ifndef SOCKWARD_CORE_STILL_BOUND_H
#define SOCKWARD_CORE_STILL_BOUND_H

#include "core/bound_name.bpf.h"

/* Who asks has an area of its own: one may interrupt the other. */
enum {
	LOOK_BIND = 0,
	LOOK_URING_BIND = 1,
	LOOK_ON_REQUEST = 2, /* the agent's */
	LOOKS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOOKS);
	__type(key, __u32);
	__type(value, struct sockward_bound_name);
} look_scratch __weak SEC(".maps");

/* Has this socket another number than the one that bound? A socket that has no file at all tells nothing. */
static __always_inline int other_socket(struct sock *sk, const struct sockward_binder *binder)
{
	struct file *file = READ(sk, sk_socket, file);

	return file && READ(file, f_inode, i_ino) != binder->socket_inode;
}

/*
 * Does the socket that bound this name still have it? Its memory may be another object's by now: it is only
 * read, and nothing but the very socket is alive, has this number and this name.
 */
static __always_inline int still_bound(__u32 look, const struct sockward_bound_name *name,
				       const struct sockward_binder *binder)
{
	struct sock *sk = (struct sock *)binder->sock;
	struct sockward_bound_name *now;

	if (READ(sk, __sk_common.skc_flags) & (1UL << SOCK_DEAD) || other_socket(sk, binder))
		return 0;
	now = bpf_map_lookup_elem(&look_scratch, &look);
	if (!now)
		return 1;
	return name_of_socket(sk, family_of(sk), now) && same_name(name, now) &&
		file_generation(sk, name->kind) == binder->generation;
}

#endif
