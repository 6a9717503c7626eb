/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Layout of the counters. The maps are pinned, and the next agent goes on with them, or takes the counts over
 * by name where its layout is another one: whatever is added here is named in agent/probe/own_layout.cpp. A
 * cell that is to mean something else gets another name there.
 *
 * Level (a), struct sockward_cpu_counters: one block per possible CPU in a memory-mapped array
 * that never fills, and one more block that belongs to the agent (what it has retired, below).
 * Level (b), struct sockward_source_key -> __u64: a bounded hash table of failures by container.
 * When it is full only the container is lost: (a) still counts the call.
 *
 * What (b) lacks of (a) is the container "~other". When the agent removes a key of a cgroup that is
 * gone it adds the value to its own block, so that "~other" does not jump:
 * ~other = sum over CPUs of (a) - sum of (b) - retired.
 */
#ifndef SOCKWARD_COUNTERS_H
#define SOCKWARD_COUNTERS_H

#include <sockward/event.h>

/* Tells versions apart that pin no description of the layout: the last one of them is 3. */
#define SOCKWARD_COUNTERS_VERSION 3

/* Address families told apart: of the socket, not of the sockaddr. */
enum sockward_family {
	SOCKWARD_FAMILY_UNIX = 0,
	SOCKWARD_FAMILY_INET = 1,
	SOCKWARD_FAMILY_INET6 = 2,
	SOCKWARD_FAMILY_NETLINK = 3,
	SOCKWARD_FAMILY_VSOCK = 4,
	SOCKWARD_FAMILY_OTHER = 5,
	SOCKWARD_FAMILY_NONE = 6, /* no socket: path and host-name calls, a bad fd */
	SOCKWARD_FAMILIES = 7,
};

/* Slot 0 = success, 1..133 = errno, 134 = an errno without a name. */
#define SOCKWARD_ERRNO_LAST 133
#define SOCKWARD_SLOT_OTHER 134
#define SOCKWARD_SLOTS 136

/*
 * Socket calls have a row for each family; the other calls have one row each. Then two rows of TCP connects
 * by how they ended: their slots are enum sockward_outcome.
 */
#define SOCKWARD_SOCKET_ROWS ((0 + SOCKWARD_SOCKET_CALLS) * SOCKWARD_FAMILIES)
#define SOCKWARD_CALL_ROWS (SOCKWARD_SOCKET_ROWS + SOCKWARD_SYSCALLS - SOCKWARD_SOCKET_CALLS)
#define SOCKWARD_ROWS (SOCKWARD_CALL_ROWS + 2)

static inline __attribute__((always_inline)) __u32 sockward_row(__u32 syscall, __u32 family)
{
	if (syscall < SOCKWARD_SOCKET_CALLS)
		return syscall * SOCKWARD_FAMILIES + family;
	return SOCKWARD_SOCKET_ROWS + syscall - SOCKWARD_SOCKET_CALLS;
}

/* family: inet or inet6. */
static inline __attribute__((always_inline)) __u32 sockward_outcome_row(__u32 family)
{
	return SOCKWARD_CALL_ROWS + (family == SOCKWARD_FAMILY_INET6);
}

/* Length of AF_UNIX path names given to bind: [n] = n bytes; the last one = longer than 108. */
#define SOCKWARD_PATH_LENGTHS 110

enum sockward_scope { SOCKWARD_SCOPE_CONTAINER = 0, SOCKWARD_SCOPE_HOST = 1, SOCKWARD_SCOPES = 2 };
#define SOCKWARD_VIAS 4

struct sockward_cpu_counters {
	__u64 calls[SOCKWARD_ROWS][SOCKWARD_SLOTS];
	__u64 path_lengths[SOCKWARD_PATH_LENGTHS];
	__u64 path_length_sum;
	__u64 hostname_changes[SOCKWARD_SCOPES][SOCKWARD_VIAS][2]; /* [scope][via][domain] */
	__u64 sequence[SOCKWARD_PROBES]; /* last record number given out */
	__u64 ring_full; /* records lost: the ring buffer was full */
	__u64 source_table_full; /* failures counted without their container */
	__u64 exec_arguments_unread; /* execs with more arguments than are looked at, or unreadable ones */
	__u64 uts_created[2]; /* UTS namespaces made by clone, by unshare */
	__u64 names_bound[2]; /* socket files, other names: put into the name table */
	__u64 names_new; /* of these, names that it did not hold yet */
	__u32 generation; /* settings.generation of the programs that count and report on this CPU */
	__u32 unused; /* 0 */
	__u64 suppressed; /* records, in a storm */
	__u64 connects_untracked; /* TCP connects whose end is not followed: too many were pending */
	__u64 reserved[10];
};
static_assert(sizeof(struct sockward_cpu_counters) % 64 == 0, "no two CPUs in one cache line");
static_assert(SOCKWARD_ROWS == 52 && SOCKWARD_SLOTS == 136 && sizeof(struct sockward_cpu_counters) == 58048,
	      "layout of pinned counters: is everything in agent/probe/own_layout.cpp?");

enum sockward_loss {
	SOCKWARD_LOST_QUEUE_FULL = 0,
	SOCKWARD_LOST_DECODE = 1,
	SOCKWARD_LOST_OUTPUT = 2,
	SOCKWARD_LOST_RESTART = 3,
};

/*
 * What the agent has done with the records of one CPU. A block for each possible CPU, memory-mapped and
 * pinned; only the agent writes it. The last block holds what belongs to no CPU.
 */
struct sockward_settled {
	/* By probe: up to this number, records were written, folded, or dropped and counted. */
	__u64 sequence[SOCKWARD_PROBES];
	__u64 folded; /* last block: records folded into one that is not written yet */
	__u64 lost[4]; /* last block: by enum sockward_loss, of all agents so far */
	__u64 dropped; /* last block: of those lost by a full queue, the ones whose number is done with */
	__u64 reserved[6];
};
static_assert(sizeof(struct sockward_settled) == 6 * 64, "layout of a pinned map, in whole cache lines");

/* container_key 0: cgroups of the host itself that are gone. */
struct sockward_source_key {
	__u64 container_key;
	__u16 row, slot;
	__u32 reserved; /* 0 */
};
static_assert(sizeof(struct sockward_source_key) == 16, "no padding");

#endif
