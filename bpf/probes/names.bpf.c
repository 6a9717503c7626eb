// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Looks on request at the kernel's own sockets behind names of the name table: one that is gone is noted as
 * released. Nothing is missed that no process has open: a socket on its way through SCM_RIGHTS is there.
 * Internet sockets are left out: connect(2) changes their names, and their release is seen (release.bpf.c).
 *
 * The agent says which names, for no kernel before 5.13 lets a program walk a table; and an iterator is what
 * every kernel runs on request and keeps by a link. Its first step does all.
 */
#include "core/open_socket.bpf.h"
#include "core/still_bound.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKWARD_LOOKED_NAMES);
	__type(key, __u32);
	__type(value, struct sockward_bound_name);
} looked_names SEC(".maps");

/*
 * A socket that had a name: has it still? Of its owner only where the kernel keeps it, its number and the
 * generation of its file count. Kind 0: nothing is asked.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sockward_named_binder);
} asked_socket SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sockward_open_socket);
} answer_scratch SEC(".maps");

/*
 * 1: that very socket is alive and still has this name and a file; what it is now is in its area. A function
 * of its own: the verifier looks at it once.
 */
__weak __attribute__((noinline)) int answer_asked(__u32 slot)
{
	const struct sockward_named_binder *asked = bpf_map_lookup_elem(&asked_socket, &slot);
	struct sockward_open_socket *area = bpf_map_lookup_elem(&answer_scratch, &slot);
	struct sock *sk;

	if (!asked || !area || !asked->name.kind || !asked->binder.sock)
		return 0;
	sk = (struct sock *)asked->binder.sock;
	if (!READ(sk, sk_socket, file) || !still_bound(LOOK_ON_REQUEST, &asked->name, &asked->binder))
		return 0;
	__builtin_memcpy(&area->owner, &asked->binder, sizeof(area->owner));
	__builtin_memcpy(&area->name, &asked->name, sizeof(area->name));
	area->owner.sharing = sharing_of(sk);
	area->owner.bound_device = READ(sk, __sk_common.skc_bound_dev_if);
	area->owner.socket_uid = READ(sk, sk_uid.val);
	area->type = READ(sk, sk_type);
	area->state = READ(sk, __sk_common.skc_state);
	fill_file(area, sk);
	fill_queue(area, sk);
	return 1;
}

/* 1: there are no more. */
__weak __attribute__((noinline)) int look_at(__u32 index)
{
	const struct sockward_bound_name *name = bpf_map_lookup_elem(&looked_names, &index);
	struct sockward_named_binder *entry;
	struct sockward_binder *binder;
	__u64 hash, sock;

	if (!name || !name->kind)
		return 1;
	hash = sockward_name_hash(name);
	entry = bpf_map_lookup_elem(&bound_names, &hash);
	if (!entry || name->kind == SOCKWARD_NAME_INET || !same_name(name, &entry->name))
		return 0;
	binder = &entry->binder;
	sock = binder->sock;
	if (!sock || binder->released_ns || still_bound(LOOK_ON_REQUEST, name, binder))
		return 0;
	/* The table may have given this place to another name meanwhile. */
	if (*(volatile __u64 *)&binder->sock == sock) {
		binder->sharing |= SOCKWARD_FOUND_GONE;
		binder->released_ns = bpf_ktime_get_ns();
	}
	return 0;
}

SEC("iter/bpf_map")
int names_iter(struct bpf_iter__bpf_map *context)
{
	const struct sockward_named_binder *asked;
	struct sockward_open_socket *area;
	__u32 slot = 0;

	if (!context->map || context->meta->seq_num)
		return 0;
	asked = bpf_map_lookup_elem(&asked_socket, &slot);
	if (asked && asked->name.kind) {
		area = bpf_map_lookup_elem(&answer_scratch, &slot);
		if (answer_asked(0) && area)
			bpf_seq_write(context->meta->seq, area, sizeof(*area));
		return 0;
	}
	for (__u32 i = 0; i < SOCKWARD_LOOKED_NAMES; i++)
		if (look_at(i))
			break;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
