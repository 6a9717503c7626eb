/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last kilobyte that a process wrote, in two halves: when one is full the other, older one is dropped. */
#ifndef SOCKWARD_CORE_MESSAGE_H
#define SOCKWARD_CORE_MESSAGE_H

#include "core/maps.bpf.h"

#define MESSAGE_HALF 512
#define MESSAGE_PIECE 256 /* kept of one write at most */

struct message {
	__u64 leader_start_ns;
	__u32 half, used; /* the half that is written to, and how far it is */
	__u32 lengths[2];
	char text[2][MESSAGE_HALF + MESSAGE_PIECE]; /* slack, so that a bounded copy never leaves it */
};

/* One element unless the probe is asked for: then sized at start. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32); /* tgid */
	__type(value, struct message);
} messages __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct message);
} empty_message __weak SEC(".maps");

#endif
