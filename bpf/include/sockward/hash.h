/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hashes that the BPF programs and the agent compute alike. A name of up to 112 bytes as the key of a table
 * makes the kernel hash and compare all of it at each look-up; these take the bytes in use, eight at a time.
 * Not for hostile input: who makes two names collide replaces one by the other in the name table.
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

/* The key of this name in the name table. */
static inline __attribute__((always_inline)) __u64 sockward_name_hash(const struct sockward_bound_name *name)
{
	__u64 hash = sockward_mix(SOCKWARD_HASH_START,
				  (__u64)name->netns << 32 | (__u64)name->kind << 16 | name->size);
	__u64 word;

	for (unsigned int at = 0; at < SOCKWARD_NAME_MAX && at < name->size; at += sizeof(word)) {
#ifdef __bpf__
		/* One load: x86-64 and arm64 take it at any address. */
		word = *(const __u64 *)&name->bytes[at];
#else
		__builtin_memcpy(&word, &name->bytes[at], sizeof(word));
#endif
		hash = sockward_mix(hash, word);
	}
	return hash;
}

#endif
