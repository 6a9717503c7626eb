/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Storms: the first records of a source pass, the rest are counted and reported by the next one. Two token
 * buckets: of a container, a call and an error, whatever the address, so that one that screams cannot hide
 * another's single failure; and of one address in it. Calls are counted before and whatever is decided here.
 * A race on a bucket may let one record more or fewer through.
 */
#ifndef SOCKWARD_CORE_SUPPRESS_H
#define SOCKWARD_CORE_SUPPRESS_H

#include <sockward/hash.h>

#include "core/count.bpf.h"

#define SECOND_NS 1000000000ULL
#define BURST_SECONDS 5 /* tokens that a bucket holds: those of so many seconds */
#define SUBJECT_BYTES 112 /* of an address that are compared */

struct bucket {
	__u64 filled_ns; /* when tokens were added last */
	__u32 tokens;
	__u32 suppressed; /* records since the last one that passed */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct sockward_source_key);
	__type(value, struct bucket);
} storm_sources __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* subject_hash() */
	__type(value, struct bucket);
} storm_subjects __weak SEC(".maps");

/* Good enough for seconds, and cheaper than the exact time (since 5.11). */
static __always_inline __u64 about_now_ns(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_coarse_ns))
		return bpf_ktime_get_coarse_ns();
	return bpf_ktime_get_ns();
}

/* Adds the tokens of the time that has passed. 0: there are none. */
static __always_inline int fill(struct bucket *bucket, __u32 rate)
{
	__u64 now = about_now_ns(), passed = now - bucket->filled_ns, more;

	if (passed > BURST_SECONDS * SECOND_NS)
		passed = BURST_SECONDS * SECOND_NS;
	more = passed * rate / SECOND_NS;
	if (more) {
		bucket->filled_ns = now;
		more += bucket->tokens;
		bucket->tokens = more > rate * BURST_SECONDS ? rate * BURST_SECONDS : more;
	}
	return bucket->tokens != 0;
}

/* Takes a token; a bucket that is not there yet is made, full. */
static __always_inline void take(struct bucket *bucket, void *map, const void *key, __u32 rate)
{
	struct bucket fresh = {.tokens = rate * BURST_SECONDS - 1};

	if (bucket) {
		if (bucket->tokens)
			bucket->tokens--;
		return;
	}
	fresh.filled_ns = about_now_ns();
	bpf_map_update_elem(map, key, &fresh, BPF_ANY);
}

static __always_inline int count_suppressed(void)
{
	struct sockward_cpu_counters *block = cpu_counters();

	if (block)
		add_one(&block->suppressed);
	return 1;
}

/*
 * Were there enough records of this container, call and error for now? If not, one more goes out. A function
 * of its own, as those below: the verifier looks at it once, and not again on every path of its caller.
 */
__weak __attribute__((noinline)) int source_suppressed(__u32 row, __u32 slot)
{
	struct sockward_source_key source = {
		.container_key = current_container_key(),
		.row = row,
		.slot = slot,
	};
	struct bucket *bucket;

	if (!cpu_counters())
		return 1; /* the other generation's turn: its tokens too */
	if (!settings.source_rate)
		return 0;
	bucket = bpf_map_lookup_elem(&storm_sources, &source);
	if (bucket && !fill(bucket, settings.source_rate))
		return count_suppressed();
	take(bucket, &storm_sources, &source, settings.source_rate);
	return 0;
}

/* The same for records that have no address. 0: it may go out. */
static __always_inline int record_suppressed(__u32 syscall, int result)
{
	return source_suppressed(sockward_row(syscall, SOCKWARD_FAMILY_NONE), errno_slot(result));
}

/* Of the first bytes of the address, and of whose call it is. There is room for eight bytes behind it. */
static __always_inline __u64 subject_hash(__u32 row, __u32 slot, __u8 *subject, __u64 bytes)
{
	__u64 hash = sockward_mix(SOCKWARD_HASH_START, current_container_key());

	hash = sockward_mix(hash, (__u64)row << 32 | slot);
	bytes = at_most(bytes, SUBJECT_BYTES);
	/* The last word of what was there before does not count. */
	if (bytes < SUBJECT_BYTES)
		*(__u64 *)&subject[bytes] = 0;
	for (__u32 at = 0; at < SUBJECT_BYTES && at < bytes; at += 8)
		hash = sockward_mix(hash, *(__u64 *)&subject[at]);
	return hash;
}

/*
 * The same of one address, which lies in memory of a map. Returns how many records of it were suppressed
 * since the last one, which the record that passes reports. -1: suppress this one, too; it takes no token of
 * the source. An address whose turn is over is looked up, and nothing else.
 */
static __always_inline int subject_suppressed(__u32 row, __u32 slot, __u8 *subject, __u64 bytes)
{
	struct bucket *bucket;
	int suppressed = 0;
	__u64 hash;

	if (!settings.address_rate)
		return source_suppressed(row, slot) ? -1 : 0;
	if (!cpu_counters())
		return -1;
	hash = subject_hash(row, slot, subject, bytes);
	bucket = bpf_map_lookup_elem(&storm_subjects, &hash);
	if (bucket && !fill(bucket, settings.address_rate)) {
		bucket->suppressed++;
		count_suppressed();
		return -1;
	}
	if (source_suppressed(row, slot))
		return -1;
	if (bucket) {
		suppressed = bucket->suppressed & 0x7FFFFFFF;
		bucket->suppressed = 0;
	}
	take(bucket, &storm_subjects, &hash, settings.address_rate);
	return suppressed;
}

#endif
