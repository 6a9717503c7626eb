/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting. It comes before everything else and depends on nothing that can be full. */
#ifndef SOCKWARD_CORE_COUNT_H
#define SOCKWARD_CORE_COUNT_H

#include "core/task.bpf.h"

/* Atomic even though the block is per CPU: a task can be preempted between the read and the write. */
static __always_inline void add_one(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/*
 * This CPU's block, or NULL when it is not these programs' turn: while an agent hands over to the next one,
 * both have their programs attached, and each call must be counted once. Both go by the same word: where the
 * previous programs' counters have another layout it is the one in theirs, and the one here stays 0. The look
 * at it comes first, so that the other case costs nothing but there.
 */
static __always_inline struct sockward_cpu_counters *cpu_counters(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct sockward_cpu_counters *block = bpf_map_lookup_elem(&counters, &cpu);
	char *words;

	if (!block)
		return 0;
	if (block->generation == settings.generation)
		return block;
	if (!settings.active_offset)
		return 0;
	words = bpf_map_lookup_elem(&active, &cpu);
	if (!words || *(volatile __u32 *)(words + settings.active_offset) != settings.generation)
		return 0;
	return block;
}

/* Restart codes never reach user space: it sees EINTR, or the call is made again. */
static __always_inline int normalise_result(long result)
{
	if (result <= -512 && result >= -516)
		return -EINTR;
	return (int)result;
}

static __always_inline __u32 errno_slot(int result)
{
	if (result >= 0)
		return 0;
	if (result >= -SOCKWARD_ERRNO_LAST)
		return -result;
	return SOCKWARD_SLOT_OTHER;
}

static __always_inline void count_source(struct sockward_cpu_counters *block, __u64 container_key, __u32 row,
					 __u32 slot)
{
	struct sockward_source_key key = {
		.container_key = container_key,
		.row = row,
		.slot = slot,
	};
	__u64 zero = 0, *value = bpf_map_lookup_elem(&failures_by_source, &key);

	if (!value) {
		/* Insert zero and look up again: whoever wins the race, each call adds its own one. */
		bpf_map_update_elem(&failures_by_source, &key, &zero, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&failures_by_source, &key);
	}
	if (value)
		add_one(value);
	else
		add_one(&block->source_table_full);
}

/*
 * Counts one call in both levels. result is 0 or more, or -errno. Returns the caller's container key where it
 * is needed: of a call that failed.
 */
static __always_inline __u64 count_call(__u32 syscall, __u32 family, int result)
{
	struct sockward_cpu_counters *block = cpu_counters();
	__u32 row = sockward_row(syscall, family), slot = errno_slot(result);
	__u64 index = at_most(row * SOCKWARD_SLOTS + slot, SOCKWARD_ROWS * SOCKWARD_SLOTS - 1);

	__u64 container_key;

	if (!block)
		return 0;
	add_one(&((__u64 *)block->calls)[index]);
	if (!slot)
		return 0;
	container_key = current_container_key();
	count_source(block, container_key, row, slot);
	return container_key;
}

#endif
