/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records: built in a scratch area, then copied into the ring buffer at their true length.
 *
 * Each probe has its own scratch area and its own sequence on each CPU. The kernel never runs one
 * probe twice at a time on one CPU (the recursion guard of fexit and tp_btf programs, no preemption
 * under tracepoints), so neither needs a lock, nor an atomic fetch-and-add, which 5.10 refuses.
 */
#ifndef SOCKWARD_CORE_EMIT_H
#define SOCKWARD_CORE_EMIT_H

#include "core/count.bpf.h"
#include "core/descendants.bpf.h"

static __always_inline int errno_wanted(int result)
{
	__u32 error = -result;

	/* It goes on: no failure, whatever is asked for. */
	if (result >= 0 || result == -EINPROGRESS)
		return 0;
	if (settings.report_all_errors)
		return 1;
	if (error > SOCKWARD_ERRNO_LAST)
		return 0;
	if (error < 64)
		return (settings.report_errno[0] >> error) & 1;
	if (error < 128)
		return (settings.report_errno[1] >> (error - 64)) & 1;
	return (settings.report_errno[2] >> (error - 128)) & 1;
}

static __always_inline int syscall_wanted(__u32 syscall)
{
	return ((settings.report_syscalls >> syscall) & 1) && process_wanted();
}

static __always_inline void fill_header(struct sockward_header *header, __u32 probe, __u32 syscall,
					__u32 kind, int result)
{
	struct task_struct *task = current_task();

	__builtin_memset(header, 0, sizeof(*header));
	header->time_ns = bpf_ktime_get_ns();
	header->container_key = current_container_key();
	header->result = result;
	header->cpu = bpf_get_smp_processor_id();
	header->probe = probe;
	header->kind = kind;
	header->syscall = syscall;
	header->via = is_compat_call() ? SOCKWARD_VIA_COMPAT : SOCKWARD_VIA_SYSCALL;
	header->version = SOCKWARD_WIRE_VERSION;
	fill_actor(header, task);
}

/*
 * Gives the record its number and sends it. A full ring buffer is counted, and the number goes to the next
 * record: a gap is always a record that was in the ring buffer.
 */
static __always_inline void emit(struct sockward_header *header, __u64 size)
{
	struct sockward_cpu_counters *block = cpu_counters();
	__u64 probe = at_most(header->probe, SOCKWARD_PROBES - 1);

	if (!block)
		return;
	header->sequence = block->sequence[probe] + 1;
	header->size = size;
	if (bpf_ringbuf_output(&events, header, size, 0))
		add_one(&block->ring_full);
	else
		block->sequence[probe] = header->sequence;
}

#endif
