/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps and settings shared by every probe: weak, so that the linker keeps one of each. */
#ifndef SOCKWARD_CORE_MAPS_H
#define SOCKWARD_CORE_MAPS_H

#include <sockward/counters.h>
#include <sockward/settings.h>

#include "core/kernel.bpf.h"

const volatile struct sockward_settings settings __weak = {};

/* Sizes marked "set at start" are raised by the agent before the load. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* bytes, set at start */
} events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* possible CPUs + 1, set at start */
	__type(key, __u32);
	__type(value, struct sockward_cpu_counters);
} counters __weak SEC(".maps");

/*
 * Where settings.active_offset is not 0: the counters of a previous agent, in another layout, with the words
 * that say which generation is active.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} active __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192); /* set at start */
	__type(key, struct sockward_source_key);
	__type(value, __u64);
} failures_by_source __weak SEC(".maps");

/* Not used by the programs: kept beside them for the next agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* possible CPUs + 1, set at start */
	__type(key, __u32);
	__type(value, struct sockward_settled);
} settled __weak SEC(".maps");

#endif
