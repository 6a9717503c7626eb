/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records of calls that take paths. */
#ifndef SOCKWARD_CORE_PATH_H
#define SOCKWARD_CORE_PATH_H

#include "core/directory.bpf.h"
#include "core/emit.bpf.h"
#include "core/groups.bpf.h"
#include "core/refusal.bpf.h"
#include "core/suppress.bpf.h"

struct path_scratch {
	volatile __u64 cursor;
	struct sockward_path_call call;
	__u8 data[SOCKWARD_DATA_BYTES];
};

/* Each path probe has an area of its own. */
#define PATH_AREA(probe) SOCKWARD_AREA(SOCKWARD_PATH_CALL, probe)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PATH_AREA(SOCKWARD_PROBES));
	__type(key, __u32);
	__type(value, struct path_scratch);
} path_scratch __weak SEC(".maps");

static __always_inline struct path_scratch *path_scratch_in(__u32 area)
{
	return bpf_map_lookup_elem(&path_scratch, &area);
}

/* subject_suppressed() of the path in the area (core/suppress.bpf.h). -1: suppress the record, too. */
__weak __attribute__((noinline)) int path_suppressed(__u32 area, __u32 row, __u32 slot)
{
	struct path_scratch *scratch = path_scratch_in(area);
	struct subject subject = {.row = row, .slot = slot, .is_text = 1};

	if (!scratch)
		return -1;
	subject.container_key = current_container_key();
	subject.bytes = scratch->data;
	subject.size = scratch->cursor;
	return subject_suppressed(&subject);
}

/* Appends the directory that the path starts from; the header must be filled. Returns flags. */
__weak __attribute__((noinline)) int append_path_directory(__u32 area, int dirfd)
{
	struct path_scratch *scratch = path_scratch_in(area);
	struct data_area data;

	if (!scratch)
		return SOCKWARD_DIR_UNKNOWN;
	data.cursor = &scratch->cursor;
	data.bytes = scratch->data;
	return append_directory(data, scratch->call.header.probe, dirfd);
}

/* Appends the caller's groups. Returns flags. */
__weak __attribute__((noinline)) int append_path_groups(__u32 area)
{
	struct path_scratch *scratch = path_scratch_in(area);
	struct data_area data;

	if (!scratch)
		return 0;
	data.cursor = &scratch->cursor;
	data.bytes = scratch->data;
	return append_groups(data, &scratch->call.header);
}

/* Failures of unlink and unlinkat that are reported beside those whose errno was asked for. */
static __always_inline int unlink_wanted(int result)
{
	return (settings.report_too_long && result == -ENAMETOOLONG) ||
		(settings.report_unix_missing && result == -EBUSY);
}

struct path_arguments {
	int dirfd;
	const char *path;
	const char *path2; /* NULL: the call has only one */
	__u32 call_flags;
	__u64 resolve;
	__u32 flags; /* enum sockward_flag, found while fetching the arguments */
	__u32 via; /* enum sockward_via, when the caller's entry does not say it */
	const char *kept_path; /* the kernel's own copy of path, in a map, or NULL */
};

/* What is said of a path that could not be read, and of one that did not fit: enum sockward_flag. */
struct path_marks {
	__u32 fault;
	__u32 clipped;
};

/* Copies a path, without its NUL, of at most limit bytes (a constant). Returns its length. */
static __always_inline __u64 append_path(__u8 *to, __u32 limit, const char *path, struct path_marks marks,
					 __u32 *flags)
{
	long copied = bpf_probe_read_user_str(to, limit, path);

	if (copied <= 0) {
		*flags |= marks.fault;
		return 0;
	}
	/* A full buffer is a cut name only if the byte that its NUL replaced is not NUL itself. */
	if (copied == limit) {
		char last = 0;

		if (!bpf_probe_read_user(&last, 1, path + limit - 1) && last)
			*flags |= marks.clipped;
	}
	return copied - 1;
}

/* The same of a copy that the kernel made (PATH_MAX bytes at most: it is never cut). */
static __always_inline __u64 append_kept_path(__u8 *to, const char *path, __u32 *flags)
{
	long copied = bpf_probe_read_kernel_str(to, SOCKWARD_PATH_MAX, path);

	if (copied > 0)
		return copied - 1;
	*flags |= SOCKWARD_PATH_FAULT;
	return 0;
}

static __always_inline void emit_path_call(__u32 probe, __u32 syscall, const struct path_arguments *arguments,
					   int result)
{
	const __u32 area = PATH_AREA(probe); /* a constant, as the probe is */
	struct path_scratch *scratch = path_scratch_in(area);
	struct sockward_path_call *call;
	const struct path_marks marks = {SOCKWARD_PATH_FAULT, SOCKWARD_PATH_CLIPPED};
	const struct path_marks marks2 = {SOCKWARD_PATH2_FAULT, SOCKWARD_PATH2_CLIPPED};
	__u32 row = sockward_row(syscall, SOCKWARD_FAMILY_NONE), slot = errno_slot(result);
	__u32 flags = arguments->flags | refusal_flag(result);
	int suppressed;
	struct data_area data;
	__u64 before;
	__u8 first;

	if (!scratch)
		return;
	data.cursor = &scratch->cursor;
	data.bytes = scratch->data;
	call = &scratch->call;
	if (arguments->kept_path)
		scratch->cursor = append_kept_path(scratch->data, arguments->kept_path, &flags);
	else
		scratch->cursor =
			append_path(scratch->data, SOCKWARD_PATH_MAX, arguments->path, marks, &flags);
	suppressed = path_suppressed(area, row, slot);
	if (suppressed < 0)
		return;
	__builtin_memset(call, 0, sizeof(*call));
	fill_header(&call->header, probe, syscall, SOCKWARD_PATH_CALL, result);
	call->header.suppressed = suppressed;
	if (arguments->via)
		call->header.via = arguments->via;
	call->dirfd = arguments->dirfd;
	call->call_flags = arguments->call_flags;
	call->resolve = arguments->resolve;
	call->path_bytes = scratch->cursor;
	first = call->path_bytes ? scratch->data[0] : 0;
	if (arguments->path2) {
		before = scratch->cursor;
		scratch->cursor += append_path(&scratch->data[cursor_of(data)], SOCKWARD_PATH2_MAX,
					       arguments->path2, marks2, &flags);
		call->path2_bytes = scratch->cursor - before;
	}
	before = scratch->cursor;
	if (first != '/' && !(flags & SOCKWARD_PATH_FAULT))
		flags |= append_path_directory(area, arguments->dirfd);
	call->directory_bytes = scratch->cursor - before;
	if (groups_matter(result))
		flags |= append_path_groups(area);
	call->header.flags = flags;
	emit(&call->header, sizeof(*call) + cursor_of(data));
}

#endif
