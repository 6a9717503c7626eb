// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a young process writes to its standard output and error, its last kilobyte: opt-in
 * (probes.stderr_text), for programs that take a socket path from a file and refuse it themselves. Kept in
 * the kernel, and told only at the end of a process that failed (probes/exit.bpf.c). Messages come in pieces;
 * curl writes single bytes.
 */
#include "core/arguments.bpf.h"
#include "core/message.bpf.h"
#include "core/watch.bpf.h"

#include <bpf/bpf_tracing.h>

#define YOUNG_NS 10000000000ULL
#define MOST_PIECES 4

struct io_vector {
	__u64 base, length;
};

static __always_inline int is_young(struct task_struct *task)
{
	return bpf_ktime_get_boot_ns() - FOLLOW(task, group_leader, start_boottime) < YOUNG_NS;
}

static __always_inline struct message *message_of_current(void)
{
	__u32 tgid = FOLLOW(current_task(), tgid), slot = 0;
	struct message *message = bpf_map_lookup_elem(&messages, &tgid), *empty;
	__u64 start = FOLLOW(current_task(), group_leader, start_boottime);

	if (message && message->leader_start_ns == start)
		return message;
	empty = bpf_map_lookup_elem(&empty_message, &slot);
	if (!empty)
		return 0;
	empty->leader_start_ns = start;
	bpf_map_update_elem(&messages, &tgid, empty, BPF_ANY);
	watch_process(SOCKWARD_WATCH_MESSAGE);
	return bpf_map_lookup_elem(&messages, &tgid);
}

/* Keeps the end of what was written. */
static __always_inline void keep(struct message *message, __u64 base, __u64 length)
{
	__u64 bytes = at_most(length > MESSAGE_PIECE ? MESSAGE_PIECE : (int)length, MESSAGE_PIECE), at;

	if (!bytes)
		return;
	if (length > bytes)
		base += length - bytes;
	if (message->used + bytes > MESSAGE_HALF) {
		message->half ^= 1;
		message->used = 0;
	}
	at = message->used & (MESSAGE_HALF - 1);
	if (bpf_probe_read_user(&message->text[message->half & 1][at], bytes, (const void *)base))
		return;
	message->used = at + bytes;
	message->lengths[message->half & 1] = message->used;
}

static __always_inline int is_wanted(const struct pt_regs *registers, long result)
{
	__u64 fd = argument(registers, 0);

	return result > 0 && (fd == 1 || fd == 2) && is_young(current_task());
}

static __always_inline int write_exit(const struct pt_regs *registers, long result)
{
	struct message *message;

	if (!is_wanted(registers, result))
		return 0;
	message = message_of_current();
	if (message)
		keep(message, argument(registers, 1), result);
	return 0;
}

static __always_inline int writev_exit(const struct pt_regs *registers, long result)
{
	const struct io_vector *vectors = (const void *)argument(registers, 1);
	__u64 count = argument(registers, 2);
	struct message *message;
	struct io_vector vector;

	if (!is_wanted(registers, result))
		return 0;
	message = message_of_current();
	if (!message)
		return 0;
	for (__u32 i = 0; i < MOST_PIECES; i++) {
		if (i >= count || bpf_probe_read_user(&vector, sizeof(vector), &vectors[i]))
			break;
		keep(message, vector.base, vector.length);
	}
	return 0;
}

SYSCALL_FEXIT(write)
int BPF_PROG(message_write_fexit, const struct pt_regs *registers, long result)
{
	return write_exit(registers, result);
}

SEC("tracepoint/syscalls/sys_exit_write")
int message_write_tp(struct sys_exit_context *context)
{
	return write_exit(caller_registers(), context->result);
}

SYSCALL_FEXIT(writev)
int BPF_PROG(message_writev_fexit, const struct pt_regs *registers, long result)
{
	return writev_exit(registers, result);
}

SEC("tracepoint/syscalls/sys_exit_writev")
int message_writev_tp(struct sys_exit_context *context)
{
	return writev_exit(caller_registers(), context->result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
