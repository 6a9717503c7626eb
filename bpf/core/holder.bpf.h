/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who has the abstract name that a bind could not have, found when the call returns: a holder may live for
 * milliseconds, and the name table keeps the last one who bound a name, so whoever asks later may find the
 * next one there. Names of the internet can be held by a socket with another name, and of a path the caller
 * does not say which file it leads to: the agent looks for their holders.
 */
#ifndef SOCKWARD_CORE_HOLDER_H
#define SOCKWARD_CORE_HOLDER_H

#include "core/still_bound.bpf.h"

#define OPEN_FILES_MAX 2048 /* descriptors of a process that are looked at */
#define OPEN_FILES_AT_ONCE 16

/* The abstract name that was asked for, from the address in the area. 0: it is none. */
static __always_inline int abstract_name_asked(const struct socket_scratch *scratch, struct sock *sk,
					       struct sockward_bound_name *name)
{
	__u64 bytes = scratch->call.address_bytes;

	if (family_of(sk) != SOCKWARD_FAMILY_UNIX || bytes <= UNIX_PATH_OFFSET + 1 ||
	    scratch->data[UNIX_PATH_OFFSET])
		return 0;
	__builtin_memset(name, 0, sizeof(*name));
	bytes = at_most(bytes - UNIX_PATH_OFFSET - 1, SOCKWARD_NAME_MAX);
	name->kind = SOCKWARD_NAME_ABSTRACT;
	name->size = bytes;
	name->netns = READ(sk, __sk_common.skc_net.net, ns.inum);
	return !bpf_probe_read_kernel(name->bytes, bytes, &scratch->data[UNIX_PATH_OFFSET + 1]);
}

/*
 * Is the file among the first descriptors of the process? Both are numbers. A function of its own: the
 * verifier looks at it once.
 */
__weak __attribute__((noinline)) int is_open_in(__u64 leader, __u64 file)
{
	struct fdtable *table = READ((struct task_struct *)leader, files, fdt);
	struct file **slots = READ(table, fd);
	/* A multiple of 64 (fs/file.c, alloc_fdtable). */
	__u64 left = at_most((__u32)READ(table, max_fds), OPEN_FILES_MAX);
	__u64 some[OPEN_FILES_AT_ONCE];

	SOCKWARD_ROLLED
	for (; left >= OPEN_FILES_AT_ONCE; left -= OPEN_FILES_AT_ONCE, slots += OPEN_FILES_AT_ONCE) {
		if (bpf_probe_read_kernel(some, sizeof(some), slots))
			return 0;
		for (int i = 0; i < OPEN_FILES_AT_ONCE; i++)
			if (some[i] == file)
				return 1;
	}
	return 0;
}

/*
 * Has the process that bound the socket it open now? Its memory may be another task's by now: that one has
 * another pid or another start. 0 also where its first thread has ended.
 */
static __always_inline int has_open(const struct sockward_binder *binder)
{
	struct task_struct *leader = (struct task_struct *)binder->leader;
	struct sock *sk = (struct sock *)binder->sock;
	__u64 file = number_of(READ(sk, sk_socket, file));

	return leader && file && (__u32)READ(leader, tgid) == binder->tgid &&
		READ(leader, start_boottime) == binder->leader_start_ns && is_open_in(binder->leader, file);
}

/*
 * Appends the holder to the record in the area; `socket` is the caller's struct sock *, passed as a number.
 * Returns SOCKWARD_HOLDER_SEEN, or 0: the name table does not know it, or its socket has the name no more.
 */
__weak __attribute__((noinline)) int append_holder(__u32 area, __u64 socket)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	__u32 slot = area == SOCKET_AREA(SOCKWARD_BIND) ? LOOK_BIND : LOOK_URING_BIND;
	struct sockward_named_binder *asked = bpf_map_lookup_elem(&bind_scratch, &slot), *entry;
	struct sock *sk = (struct sock *)socket, *holder;
	struct data_area data;
	__u64 hash;

	if (!scratch || !asked || !sk || !abstract_name_asked(scratch, sk, &asked->name))
		return 0;
	hash = sockward_name_hash(&asked->name);
	entry = bpf_map_lookup_elem(&bound_names, &hash);
	if (!entry)
		return 0;
	__builtin_memcpy(&asked->binder, &entry->binder, sizeof(asked->binder));
	/* After the copy: the table may have given the place to another name meanwhile. */
	if (!same_name(&asked->name, &entry->name) || asked->binder.released_ns || !asked->binder.sock ||
	    *(volatile __u64 *)&entry->binder.time_ns != asked->binder.time_ns ||
	    !still_bound(slot, &asked->name, &asked->binder))
		return 0;
	/* Abstract names of different types are different names (net/unix/af_unix.c, unix_abstract_hash). */
	holder = (struct sock *)asked->binder.sock;
	if (READ(holder, sk_type) != READ(sk, sk_type))
		return 0;
	if (has_open(&asked->binder))
		asked->binder.sharing |= SOCKWARD_HAS_OPEN;
	data.cursor = &scratch->cursor;
	data.bytes = scratch->data;
	bpf_probe_read_kernel(&data.bytes[cursor_of(data)], sizeof(asked->binder), &asked->binder);
	*data.cursor += sizeof(asked->binder);
	return SOCKWARD_HOLDER_SEEN;
}

#endif
