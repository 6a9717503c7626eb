// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * unlinkat through io_uring: io_unlinkat(), which is a function of its own since 6.0 (before, it is inlined
 * and cannot be seen). The kernel copied the name when the request was submitted and frees it when it is
 * done, so a program at entry keeps it: of the kernel's copy, never the caller's memory. fexit only.
 */
#include "core/path.bpf.h"
#include "core/uring.bpf.h"

#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name;
};

struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};

struct io_unlink___delayed { /* since 7.0 */
	struct delayed_filename filename;
};

#pragma clang attribute pop

struct pending_unlink {
	const struct io_kiocb *request;
	int dirfd, flags;
	char path[SOCKWARD_PATH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries,
	       64); /* requests under way at once; one that is evicted is counted, without its record */
	__type(key, __u64); /* pid and tgid */
	__type(value, struct pending_unlink);
} pending_unlinks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pending_unlink);
} no_unlink SEC(".maps"); /* zeros to begin with: too large for the stack */

static __always_inline const char *name_of(const struct io_unlink *command)
{
	const struct io_unlink___delayed *delayed = (const void *)command;

	if (bpf_core_field_exists(delayed->filename.__incomplete_filename))
		return READ(delayed, filename.__incomplete_filename, name);
	return READ(command, filename, name);
}

SEC("fentry/io_unlinkat")
int BPF_PROG(unlinkat_uring_entry_fentry, const struct io_kiocb *request)
{
	__u64 task = bpf_get_current_pid_tgid();
	const struct io_unlink *command;
	struct pending_unlink *pending;
	__u32 slot = 0;

	pending = bpf_map_lookup_elem(&no_unlink, &slot);
	if (!pending || bpf_map_update_elem(&pending_unlinks, &task, pending, BPF_ANY))
		return 0;
	pending = bpf_map_lookup_elem(&pending_unlinks, &task);
	if (!pending)
		return 0;
	command = command_of(request);
	pending->dirfd = READ(command, dfd);
	pending->flags = READ(command, flags);
	bpf_probe_read_kernel_str(pending->path, sizeof(pending->path), name_of(command));
	pending->request = request;
	return 0;
}

SEC("fexit/io_unlinkat")
int BPF_PROG(unlinkat_uring_fexit, const struct io_kiocb *request, unsigned int issue_flags, int answer)
{
	struct path_arguments arguments = {.via = SOCKWARD_VIA_IO_URING};
	__u64 task = bpf_get_current_pid_tgid();
	struct pending_unlink *pending = bpf_map_lookup_elem(&pending_unlinks, &task);
	int result = normalise_result(READ(request, cqe.res));

	if (!cpu_counters())
		return 0;
	if (answer == IOU_OK) {
		count_call(SOCKWARD_UNLINKAT, SOCKWARD_FAMILY_NONE, result);
		if (pending && pending->request == request && syscall_wanted(SOCKWARD_UNLINKAT) &&
		    (errno_wanted(result) || unlink_wanted(result))) {
			arguments.dirfd = pending->dirfd;
			arguments.call_flags = pending->flags;
			arguments.kept_path = pending->path;
			emit_path_call(SOCKWARD_PROBE_URING_UNLINKAT, SOCKWARD_UNLINKAT, &arguments, result);
		}
	}
	bpf_map_delete_elem(&pending_unlinks, &task);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
