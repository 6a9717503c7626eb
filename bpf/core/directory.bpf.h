/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory a relative name starts from, walked in the kernel when the call returns: a moment
 * later the process may be gone or elsewhere, and user space could not find out any more.
 */
#ifndef SOCKWARD_CORE_DIRECTORY_H
#define SOCKWARD_CORE_DIRECTORY_H

#include "core/socket.bpf.h"

/* Largest cursor into a data area. */
#define SOCKWARD_DATA_END 8191

struct directory_walk {
	struct dentry *dentry, *root_dentry;
	struct vfsmount *mount, *root_mount;
	const unsigned char *name; /* of the component that the last step passed */
};

/* Each probe has an area of its own (core/emit.bpf.h). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOCKWARD_PROBES);
	__type(key, __u32);
	__type(value, struct directory_walk);
} directory_walks __weak SEC(".maps");

/*
 * The bytes behind a record's fixed part, and how many are in use. The cursor lives in map memory on purpose:
 * the verifier forgets what it knows of a value that was stored, so every turn of a loop looks the same to it
 * and is checked once. With the cursor in a register the programs took ten times as long to load.
 */
struct data_area {
	volatile __u64 *cursor;
	__u8 *bytes; /* SOCKWARD_DATA_BYTES of them */
};

/* Slack: one copy of a second path behind the largest cursor. */
#define SOCKWARD_DATA_BYTES (SOCKWARD_DATA_END + 1 + SOCKWARD_PATH2_MAX)

static __always_inline __u64 cursor_of(struct data_area data)
{
	return at_most(*data.cursor, SOCKWARD_DATA_END);
}

enum walk_step { WALK_FAILED, WALK_ROOT, WALK_UNREACHABLE, WALK_MOUNT, WALK_COMPONENT };

/*
 * One step up: to the parent, whose name is then to be copied (WALK_COMPONENT), or from the root of a mount
 * to where it is mounted. A function of its own: the verifier looks at it once, and not at every turn of the
 * loop.
 */
__weak __attribute__((noinline)) int step_up(__u32 probe)
{
	struct directory_walk *walk = bpf_map_lookup_elem(&directory_walks, &probe);
	struct dentry *dentry, *parent;
	struct vfsmount *vfsmount;

	if (!walk)
		return WALK_FAILED;
	dentry = walk->dentry;
	vfsmount = walk->mount;
	parent = READ(dentry, d_parent);
	if (dentry == walk->root_dentry && vfsmount == walk->root_mount)
		return WALK_ROOT;
	if (dentry == READ(vfsmount, mnt_root) || dentry == parent) {
		struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = READ(mount, mnt_parent);

		if (!above || above == mount)
			return WALK_UNREACHABLE;
		walk->dentry = READ(mount, mnt_mountpoint);
		walk->mount = (void *)above + bpf_core_field_offset(struct mount, mnt);
		return WALK_MOUNT;
	}
	walk->name = READ(dentry, d_name.name);
	walk->dentry = parent;
	return WALK_COMPONENT;
}

/* Appends the components of walk->dentry up to the caller's root, leaf first, NUL after each. */
static __always_inline void append_components(struct data_area data, __u32 probe,
					      const struct directory_walk *walk, __u32 *flags)
{
	__u64 limit = *data.cursor + SOCKWARD_DIR_MAX - SOCKWARD_COMPONENT_MAX;

	for (int depth = 0; depth < SOCKWARD_DIR_DEPTH; depth++) {
		int step = step_up(probe);
		long copied;

		if (step == WALK_ROOT)
			return;
		if (step == WALK_UNREACHABLE) {
			*flags |= SOCKWARD_DIR_UNREACHABLE;
			return;
		}
		if (step == WALK_MOUNT)
			continue;
		if (step != WALK_COMPONENT || *data.cursor > limit)
			break;
		copied = bpf_probe_read_kernel_str(&data.bytes[cursor_of(data)], SOCKWARD_COMPONENT_MAX,
						   walk->name);
		if (copied <= 0)
			break;
		*data.cursor += copied;
	}
	*flags |= SOCKWARD_DIR_CLIPPED;
}

/* The directory behind dirfd (AT_FDCWD: the working directory). NULL: there is none. */
static __always_inline struct directory_walk *begin_walk(__u32 probe, int dirfd)
{
	struct directory_walk *walk = bpf_map_lookup_elem(&directory_walks, &probe);
	struct fs_struct *fs = FOLLOW(current_task(), fs);

	if (!walk)
		return 0;
	walk->root_dentry = READ(fs, root.dentry);
	walk->root_mount = READ(fs, root.mnt);
	if (dirfd == AT_FDCWD) {
		walk->dentry = READ(fs, pwd.dentry);
		walk->mount = READ(fs, pwd.mnt);
	} else {
		struct file *file = file_of_fd(dirfd);

		if (!file)
			return 0;
		walk->dentry = READ(file, f_path.dentry);
		walk->mount = READ(file, f_path.mnt);
	}
	return walk;
}

/*
 * Appends the directory behind dirfd. Returns what of it is not known (enum sockward_flag). To be called in a
 * function of its own: 5.10 and 6.1 walk the loop again for each path by which the verifier gets to it.
 */
static __always_inline int append_directory(struct data_area data, __u32 probe, int dirfd)
{
	struct directory_walk *walk = begin_walk(probe, dirfd);
	__u32 flags = 0;

	if (!walk)
		return SOCKWARD_DIR_UNKNOWN;
	append_components(data, probe, walk, &flags);
	return flags;
}

#endif
