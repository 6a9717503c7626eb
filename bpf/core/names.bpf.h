/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Host and domain names of UTS namespaces. */
#ifndef SOCKWARD_CORE_NAMES_H
#define SOCKWARD_CORE_NAMES_H

#include "core/emit.bpf.h"
#include "core/suppress.bpf.h"

/* Each name probe has an area of its own. */
#define NAME_AREA(probe) SOCKWARD_AREA(SOCKWARD_NAME_CALL, probe)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NAME_AREA(SOCKWARD_PROBES));
	__type(key, __u32);
	__type(value, struct sockward_name_call);
} name_scratch __weak SEC(".maps");

/* The probe is a constant. */
static __always_inline struct sockward_name_call *name_scratch_of(__u32 probe)
{
	const __u32 area = NAME_AREA(probe);

	return bpf_map_lookup_elem(&name_scratch, &area);
}

/* UTS namespaces whose creation was seen, with a bit (1 << domain) for each name that was changed since. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* inode */
	__type(value, __u32);
} fresh_uts __weak SEC(".maps");

/* SOCKWARD_FIRST_NAME for the first change of this name in a namespace that was seen to be made. */
static __always_inline __u32 first_name_flag(__u32 utsns, __u32 domain)
{
	__u32 *changed = bpf_map_lookup_elem(&fresh_uts, &utsns);

	if (!changed || (*changed & (1 << domain)))
		return 0;
	*changed |= 1 << domain;
	return SOCKWARD_FIRST_NAME;
}

static __always_inline void read_uts_name(struct uts_namespace *uts, int domain, char *to)
{
	if (domain)
		bpf_core_read_str(to, SOCKWARD_HOSTNAME_MAX, &uts->name.domainname);
	else
		bpf_core_read_str(to, SOCKWARD_HOSTNAME_MAX, &uts->name.nodename);
}

static __always_inline struct uts_namespace *current_uts(void)
{
	return FOLLOW(current_task(), nsproxy, uts_ns);
}

/* Do the two NUL-terminated names differ? Bytes behind a NUL do not count. */
static __always_inline int names_differ(const char *one, const char *other)
{
	for (int i = 0; i < SOCKWARD_HOSTNAME_MAX; i++) {
		if (one[i] != other[i])
			return 1;
		if (!one[i])
			return 0;
	}
	return 0;
}

/*
 * Who the caller descends from, up to the first process: the one that matters is often a script or a daemon
 * above it.
 */
static __always_inline void fill_ancestors(struct sockward_name_call *call)
{
	struct task_struct *task = current_task();

	for (int i = 0; i < SOCKWARD_ANCESTORS_MAX; i++) {
		struct sockward_ancestor *ancestor = &call->ancestors[i];

		task = READ(task, real_parent, group_leader);
		ancestor->tgid = READ(task, tgid);
		if (!ancestor->tgid)
			break;
		bpf_probe_read_kernel_str(ancestor->comm, sizeof(ancestor->comm), &task->comm);
		call->ancestor_count = i + 1;
		if (ancestor->tgid == 1)
			break;
	}
}

/* Counts a change and sends the record of it, or of the failure. */
static __always_inline void finish_name_call(struct sockward_name_call *call, int result)
{
	struct sockward_cpu_counters *block = cpu_counters();
	__u32 scope = call->header.utsns == settings.host_utsns;
	__u32 via = call->header.via & 3, domain = call->domain & 1;
	int changed = !result && names_differ(call->old_name, call->new_name);
	int too_long = result == -EINVAL && call->asked_length >= SOCKWARD_HOSTNAME_MAX;

	if (block && changed)
		add_one(&block->hostname_changes[scope][via][domain]);
	if (changed)
		call->header.flags |= first_name_flag(call->header.utsns, domain);
	if ((changed || errno_wanted(result) || (too_long && settings.report_too_long)) &&
	    syscall_wanted(call->header.syscall) && !record_suppressed(call->header.syscall, result)) {
		fill_ancestors(call);
		emit(&call->header, sizeof(*call));
	}
}

#endif
