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

/*
 * One address in a container. Of the address there is a hash, which can be made to collide: then two of one
 * container share a bucket, and nobody else's.
 */
struct subject_key {
	__u64 container_key;
	__u64 hash; /* subject_hash() */
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
	__type(key, struct subject_key);
	__type(value, struct bucket);
} storm_subjects __weak SEC(".maps");

/* Adds the tokens of the time that has passed. 0: there are none. */
static __always_inline int fill(struct bucket *bucket, __u32 rate)
{
	__u64 now = bpf_ktime_get_ns(), passed = now - bucket->filled_ns, more;

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
	fresh.filled_ns = bpf_ktime_get_ns();
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
__weak __attribute__((noinline)) int source_suppressed(__u64 container_key, __u32 row, __u32 slot)
{
	struct sockward_source_key source = {
		.container_key = container_key,
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
	return source_suppressed(current_container_key(), sockward_row(syscall, SOCKWARD_FAMILY_NONE),
				 errno_slot(result));
}

/* What a record is about, for its bucket. */
struct subject {
	__u64 container_key;
	__u32 row, slot;
	__u8 *bytes; /* in memory of a map, with room for eight more behind them */
	__u64 size;
	int is_text; /* a NUL ends it */
};

/* Of its first bytes, the call and the error. */
static __always_inline __u64 subject_hash(const struct subject *subject)
{
	__u64 hash = sockward_mix(SOCKWARD_HASH_START, (__u64)subject->row << 32 | subject->slot);
	__u64 bytes = at_most(subject->size, SUBJECT_BYTES), word;

	/* The last word of what was there before does not count. */
	if (bytes < SUBJECT_BYTES)
		*(__u64 *)&subject->bytes[bytes] = 0;
	for (__u32 at = 0; at < SUBJECT_BYTES && at < bytes; at += 8) {
		word = *(__u64 *)&subject->bytes[at];
		if (!word && subject->is_text)
			break;
		hash = sockward_mix(hash, word);
	}
	return hash;
}

/*
 * The same of one address. Returns how many records of it were suppressed since the last one, which the
 * record that passes reports. -1: suppress this one, too; it takes no token of the source. When the address
 * has no tokens, its source is not looked up.
 */
static __always_inline int subject_suppressed(const struct subject *subject)
{
	struct bucket *bucket;
	int suppressed = 0;
	struct subject_key key = {.container_key = subject->container_key};

	if (!settings.address_rate)
		return source_suppressed(subject->container_key, subject->row, subject->slot) ? -1 : 0;
	if (!cpu_counters())
		return -1;
	key.hash = subject_hash(subject);
	bucket = bpf_map_lookup_elem(&storm_subjects, &key);
	if (bucket && !fill(bucket, settings.address_rate)) {
		bucket->suppressed++;
		count_suppressed();
		return -1;
	}
	if (source_suppressed(subject->container_key, subject->row, subject->slot))
		return -1;
	if (bucket) {
		suppressed = bucket->suppressed & 0x7FFFFFFF;
		bucket->suppressed = 0;
	}
	take(bucket, &storm_subjects, &key, settings.address_rate);
	return suppressed;
}

#endif
