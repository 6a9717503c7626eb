/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Supplementary groups of a caller that was refused: many programs end within a millisecond of it, and nobody
 * could find them out any more. They come last in a record.
 */
#ifndef SOCKWARD_CORE_GROUPS_H
#define SOCKWARD_CORE_GROUPS_H

#include "core/directory.bpf.h"

static __always_inline int groups_matter(int result)
{
	return result == -EACCES || result == -EPERM;
}

/* Returns SOCKWARD_GROUPS_KNOWN, or 0. To be called in a function of its own, as append_directory(). */
static __always_inline __u32 append_groups(struct data_area data, struct sockward_header *header)
{
	struct group_info *groups = FOLLOW(current_task(), cred, group_info);
	__u64 total, bytes;

	if (!groups)
		return 0;
	total = at_most((__u32)READ(groups, ngroups), 0xFFFF);
	bytes = at_most(total * sizeof(__u32), SOCKWARD_GROUPS_MAX * sizeof(__u32));
	if (bpf_probe_read_kernel(&data.bytes[cursor_of(data)], bytes,
				  (const void *)groups + bpf_core_field_offset(struct group_info, gid)))
		return 0;
	header->groups = bytes / sizeof(__u32);
	header->groups_total = total;
	*data.cursor += bytes;
	return SOCKWARD_GROUPS_KNOWN;
}

#endif
