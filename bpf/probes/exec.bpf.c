// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Arguments of a new program that may hold a socket path which does not fit: longer than 107 bytes, and with
 * a word in them that socket paths come with. Reported one by one, two for each exec at most; the agent looks
 * closer. One program sees execve and execveat, native and 32-bit. Its arguments lie one after the other in
 * the new program's memory. An ordinary exec, whose arguments are short altogether, costs a few loads.
 */
#include "core/emit.bpf.h"
#include "core/suppress.bpf.h"
#include "core/watch.bpf.h"

#include <bpf/bpf_tracing.h>

#define LONGEST_FIT 107
#define MOST_ARGUMENTS 512
#define ARGUMENTS_STEP 16
#define SEARCH_STEP 64
#define MOST_REPORTED 2
#define WORD(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

struct exec_scratch {
	struct sockward_long_argument call;
	/* With slack: the last step may begin at its end. */
	char argument[SOCKWARD_ARGUMENT_MAX + SEARCH_STEP + 4];
	volatile __u64 position; /* kept here, not in a register: core/directory.bpf.h says why */
	volatile __u64 end; /* of all arguments */
	volatile __u64 reported;
	volatile __u64 continued; /* the argument went on behind the buffer */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

/* Four bytes as one number, letters in lower case. One load: x86-64 and arm64 take it at any address. */
static __always_inline __u32 word_at(const char *text)
{
	return *(const __u32 *)text | 0x20202020;
}

/*
 * Does a word that begins at `from` or less than SEARCH_STEP bytes behind speak of a socket? A function of
 * its own, as those below: the verifier looks at it once, and a loop of steps costs it the sum of both loops,
 * not their product.
 */
__attribute__((noinline)) int speaks_of_socket(__u32 from, __u32 length)
{
	__u32 slot = 0;
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &slot);
	const char *text;

	if (!scratch)
		return 0;
	text = &scratch->argument[at_most(from, SOCKWARD_ARGUMENT_MAX)];
	for (__u32 i = 0; i < SEARCH_STEP; i++) {
		__u32 word = word_at(text + i);

		if (from + i + 4 > length)
			break;
		if (word == WORD('s', 'o', 'c', 'k') || word == WORD('u', 'n', 'i', 'x') ||
		    word == WORD('p', 'a', 't', 'h') || word == WORD('.', 'c', 't', 'l'))
			return 1;
	}
	return 0;
}

/* Does a word in the argument, or the option before it, speak of a socket? */
__attribute__((noinline)) int argument_speaks_of_socket(__u32 length)
{
	__u32 slot = 0;
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &slot);

	if (!scratch)
		return 0;
	if (scratch->call.before[0] == '-' && (scratch->call.before[1] & ~0x20) == 'S' &&
	    !scratch->call.before[2])
		return 1;
	for (__u32 i = 0; i <= sizeof(scratch->call.before) - 4; i++)
		if (word_at(&scratch->call.before[i]) == WORD('s', 'o', 'c', 'k'))
			return 1;
	for (__u32 from = 0; from < SOCKWARD_ARGUMENT_MAX; from += SEARCH_STEP)
		if (speaks_of_socket(from, length))
			return 1;
	return 0;
}

/* Sends one argument. A function of its own, as above. */
__attribute__((noinline)) int report_argument(__u32 index, __u32 length, __u32 clipped)
{
	__u32 slot = 0;
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &slot);
	__u64 bytes;

	if (!scratch || record_suppressed(SOCKWARD_EXECVE, 0))
		return 0;
	fill_header(&scratch->call.header, SOCKWARD_PROBE_EXEC, SOCKWARD_EXECVE, SOCKWARD_LONG_ARGUMENT, 0);
	scratch->call.index = index;
	scratch->call.clipped = clipped;
	scratch->call.reserved = 0;
	bytes = at_most(length, SOCKWARD_ARGUMENT_MAX);
	scratch->call.argument_bytes = bytes;
	watch_process(SOCKWARD_WATCH_ARGUMENT);
	emit(&scratch->call.header, sizeof(scratch->call) + bytes);
	return 0;
}

/* Counts an exec of whose arguments some are not looked at. Returns 0: there are no more. */
static __always_inline int count_unread(void)
{
	struct sockward_cpu_counters *block = cpu_counters();

	if (block)
		add_one(&block->exec_arguments_unread);
	return 0;
}

/*
 * Looks at one argument. 0: there are no more. A function of its own, as above: inlined into the loop it made
 * the verifier work for 100 ms, a quarter of the agent's start.
 */
__attribute__((noinline)) int look_at_argument(__u32 index)
{
	__u32 slot = 0;
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &slot);
	__u64 start;
	long copied;

	if (!scratch)
		return 0;
	start = scratch->position;
	if (start >= scratch->end)
		return 0;
	if (scratch->reported >= MOST_REPORTED)
		return count_unread();
	copied = bpf_probe_read_user_str(scratch->argument, SOCKWARD_ARGUMENT_MAX, (const void *)start);
	if (copied <= 0)
		return count_unread();
	if (copied == SOCKWARD_ARGUMENT_MAX && scratch->argument[SOCKWARD_ARGUMENT_MAX - 2]) {
		copied--; /* its NUL is not the argument's: go on there */
		if (!scratch->continued && argument_speaks_of_socket(copied)) {
			report_argument(index, copied, 1);
			scratch->reported++;
		}
		scratch->continued = 1;
		scratch->position = start + copied;
		return 1;
	}
	if (!scratch->continued && copied - 1 > LONGEST_FIT && argument_speaks_of_socket(copied)) {
		report_argument(index, copied - 1, 0);
		scratch->reported++;
	}
	scratch->continued = 0;
	scratch->position = start + copied;
	bpf_probe_read_user_str(scratch->call.before, sizeof(scratch->call.before), (const void *)start);
	return 1;
}

/* Looks at the next few arguments from this one on. 0: there are no more. */
__attribute__((noinline)) int look_at_arguments(__u32 first)
{
	for (__u32 i = 0; i < ARGUMENTS_STEP; i++)
		if (!look_at_argument(first + i))
			return 0;
	return 1;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_btf, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	__u64 end = FOLLOW(task, mm, arg_end), start = FOLLOW(task, mm, arg_start);
	struct exec_scratch *scratch;
	__u32 slot = 0;

	if (!settings.watch_processes || end - start <= LONGEST_FIT)
		return 0;
	if (!settings.report_too_long || !syscall_wanted(SOCKWARD_EXECVE))
		return 0;
	scratch = bpf_map_lookup_elem(&exec_scratch, &slot);
	if (!scratch)
		return 0;
	scratch->position = start;
	scratch->end = end;
	scratch->reported = 0;
	scratch->continued = 0;
	__builtin_memset(scratch->call.before, 0, sizeof(scratch->call.before));
	for (__u32 first = 0; first < MOST_ARGUMENTS; first += ARGUMENTS_STEP)
		if (!look_at_arguments(first))
			return 0;
	if (scratch->position < end)
		count_unread();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
