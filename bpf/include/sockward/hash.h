/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hashes that the BPF programs and the agent compute alike. A name of up to 112 bytes as the key of a table
 * makes the kernel hash and compare all of it at each look-up; these take eight bytes at a time.
 * They do not withstand an attacker: whoever uses them compares what was hashed, and counts a name that took
 * another's place as evicted.
 */
#ifndef SOCKWARD_HASH_H
#define SOCKWARD_HASH_H

#include <sockward/event.h>

#define SOCKWARD_HASH_START 0x243F6A8885A308D3ULL

static inline __attribute__((always_inline)) __u64 sockward_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 32);
}

/*
 * Before a loop over words: clang would unroll it, read all of them first and keep them on the stack, of
 * which BPF programs have 512 bytes.
 */
#ifdef __bpf__
#define SOCKWARD_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define SOCKWARD_ROLLED
#endif

/* Word number `index` of a name. */
static inline __attribute__((always_inline)) __u64 sockward_name_word(const struct sockward_bound_name *name,
								      unsigned int index)
{
#ifdef __bpf__
	/* One load: x86-64 and arm64 take it at any address. */
	return *(const __u64 *)&name->bytes[index * 8];
#else
	__u64 word;

	__builtin_memcpy(&word, &name->bytes[index * 8], sizeof(word));
	return word;
#endif
}

/* Words that every name is hashed by; only abstract names have more. */
#define SOCKWARD_SHORT_NAME 3

/*
 * The key of this name in the name table. Without a branch for each word: the verifier would follow the rest
 * of the program from each of them.
 */
static inline __attribute__((always_inline)) __u64 sockward_name_hash(const struct sockward_bound_name *name)
{
	__u64 hash = sockward_mix(SOCKWARD_HASH_START,
				  (__u64)name->netns << 32 | (__u64)name->kind << 16 | name->size);
	unsigned int index;

	for (index = 0; index < SOCKWARD_SHORT_NAME; index++)
		hash = sockward_mix(hash, sockward_name_word(name, index));
	if (name->size <= SOCKWARD_SHORT_NAME * 8)
		return hash;
	SOCKWARD_ROLLED
	for (index = SOCKWARD_SHORT_NAME; index < SOCKWARD_NAME_MAX / 8; index++)
		hash = sockward_mix(hash, sockward_name_word(name, index));
	return hash;
}

#endif
