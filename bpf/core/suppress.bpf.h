/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Storms: the first records of a source pass, the rest are counted and reported by the next one. Two token
 * buckets: of a container, a call and an error, whatever the address, so that one that screams cannot hide
 * another's single failure; and of one address in it. Calls are counted before and whatever is decided here.
 * A race on a bucket may let one record more or fewer through.
 */
#ifndef SOCKWARD_CORE_SUPPRESS_H
#define SOCKWARD_CORE_SUPPRESS_H

#include "core/count.bpf.h"

#define SECOND_NS 1000000000ULL
#define BURST_SECONDS 5 /* tokens that a bucket holds: those of so many seconds */
#define SUBJECT_BYTES 112

struct bucket {
	__u64 filled_ns; /* when tokens were added last */
	__u32 tokens;
	__u32 suppressed; /* records since the last one that passed */
};

/* What a record is about. Its address is compared by its first bytes. */
struct suppress_key {
	struct sockward_source_key source;
	__u8 subject[SUBJECT_BYTES];
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
	__type(key, struct suppress_key);
	__type(value, struct bucket);
} storm_subjects __weak SEC(".maps");

/* The bucket of this key, filled up to now; NULL: it was made just now, with all its tokens but `taken`. */
static __always_inline struct bucket *bucket_of(void *map, const void *key, __u32 rate, __u32 taken)
{
	struct bucket fresh = {.filled_ns = bpf_ktime_get_ns(), .tokens = rate * BURST_SECONDS - taken};
	struct bucket *bucket = bpf_map_lookup_elem(map, key);
	__u64 passed, more;

	if (!bucket) {
		bpf_map_update_elem(map, key, &fresh, BPF_ANY);
		return 0;
	}
	passed = fresh.filled_ns - bucket->filled_ns;
	if (passed > BURST_SECONDS * SECOND_NS)
		passed = BURST_SECONDS * SECOND_NS;
	more = passed * rate / SECOND_NS;
	if (more) {
		bucket->filled_ns = fresh.filled_ns;
		more += bucket->tokens;
		bucket->tokens = more > rate * BURST_SECONDS ? rate * BURST_SECONDS : more;
	}
	return bucket;
}

static __always_inline int count_suppressed(void)
{
	struct sockward_cpu_counters *block = cpu_counters();

	if (block)
		add_one(&block->suppressed);
	return 1;
}

/*
 * Were there enough records of this container, call and error for now? Asked before anything of the record is
 * built. 1: yes. A function of its own: the verifier looks at it once, and not again on every path of its
 * caller.
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
	bucket = bucket_of(&storm_sources, &source, settings.source_rate, 0);
	return bucket && !bucket->tokens ? count_suppressed() : 0;
}

/* A record of the source goes out. */
static __always_inline void take_from_source(const struct sockward_source_key *source)
{
	struct bucket *bucket = bpf_map_lookup_elem(&storm_sources, source);

	if (bucket && bucket->tokens)
		bucket->tokens--;
}

/* The same for records that have no address. 0: it may go out. */
static __always_inline int record_suppressed(__u32 syscall, int result)
{
	struct sockward_source_key source = {
		.container_key = current_container_key(),
		.row = sockward_row(syscall, SOCKWARD_FAMILY_NONE),
		.slot = errno_slot(result),
	};

	if (source_suppressed(source.row, source.slot))
		return 1;
	take_from_source(&source);
	return 0;
}

/*
 * The same of one address, whose first bytes are given. Returns how many records of it were suppressed since
 * the last one, which the record that passes reports. -1: suppress this one, too; it takes no token of the
 * source.
 */
static __always_inline int subject_suppressed(struct suppress_key *key, __u32 row, __u32 slot,
					      const __u8 *subject, __u64 bytes)
{
	struct bucket *bucket;
	int suppressed = 0;

	key->source.container_key = current_container_key();
	key->source.row = row;
	key->source.slot = slot;
	key->source.reserved = 0;
	if (settings.address_rate) {
		__builtin_memset(key->subject, 0, sizeof(key->subject));
		bytes = at_most(bytes, SUBJECT_BYTES);
		bpf_probe_read_kernel(key->subject, bytes, subject);
		bucket = bucket_of(&storm_subjects, key, settings.address_rate, 1);
		if (bucket && !bucket->tokens) {
			bucket->suppressed++;
			count_suppressed();
			return -1;
		}
		if (bucket) {
			bucket->tokens--;
			suppressed = bucket->suppressed & 0x7FFFFFFF;
			bucket->suppressed = 0;
		}
	}
	take_from_source(&key->source);
	return suppressed;
}

#endif
