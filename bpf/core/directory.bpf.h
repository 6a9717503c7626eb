/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory a relative name starts from, walked in the kernel when the call returns: a moment
 * later the process may be gone or elsewhere, and user space could not find out any more.
 */
#ifndef SOCKWARD_CORE_DIRECTORY_H
#define SOCKWARD_CORE_DIRECTORY_H

#include "core/socket.bpf.h"

/* Largest cursor into a data area. Areas have slack for one component behind it. */
#define SOCKWARD_DATA_END 8191

struct directory_walk {
	struct dentry *dentry, *root_dentry;
	struct vfsmount *mount, *root_mount;
};

/*
 * Appends the components of walk->dentry up to the caller's root, leaf first, NUL after each.
 * Returns the new cursor. Sets SOCKWARD_DIR_* flags.
 */
static __always_inline __u64 append_components(__u8 *data, __u64 cursor, struct directory_walk *walk,
					       __u32 *flags)
{
	__u64 limit = cursor + SOCKWARD_DIR_MAX - SOCKWARD_COMPONENT_MAX;

	for (int depth = 0; depth < SOCKWARD_DIR_DEPTH; depth++) {
		struct dentry *parent;
		long copied;

		if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount)
			return cursor;
		parent = BPF_CORE_READ(walk->dentry, d_parent);
		if (walk->dentry == BPF_CORE_READ(walk->mount, mnt_root) || walk->dentry == parent) {
			struct mount *mount = (void *)walk->mount - bpf_core_field_offset(struct mount, mnt);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (!above || above == mount) {
				*flags |= SOCKWARD_DIR_UNREACHABLE;
				return cursor;
			}
			walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			walk->mount = (void *)above + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (cursor > limit)
			break;
		cursor = at_most(cursor, SOCKWARD_DATA_END);
		copied = bpf_probe_read_kernel_str(&data[cursor], SOCKWARD_COMPONENT_MAX,
						   BPF_CORE_READ(walk->dentry, d_name.name));
		if (copied <= 0)
			break;
		cursor += copied;
		walk->dentry = parent;
	}
	*flags |= SOCKWARD_DIR_CLIPPED;
	return cursor;
}

/* Appends the directory behind dirfd (AT_FDCWD: the working directory). */
static __always_inline __u64 append_directory(__u8 *data, __u64 cursor, int dirfd, __u32 *flags)
{
	struct fs_struct *fs = BPF_CORE_READ(current_task(), fs);
	struct directory_walk walk = {
		.root_dentry = BPF_CORE_READ(fs, root.dentry),
		.root_mount = BPF_CORE_READ(fs, root.mnt),
	};

	if (dirfd == AT_FDCWD) {
		walk.dentry = BPF_CORE_READ(fs, pwd.dentry);
		walk.mount = BPF_CORE_READ(fs, pwd.mnt);
	} else {
		struct file *file = file_of_fd(dirfd);

		if (!file) {
			*flags |= SOCKWARD_DIR_UNKNOWN;
			return cursor;
		}
		walk.dentry = BPF_CORE_READ(file, f_path.dentry);
		walk.mount = BPF_CORE_READ(file, f_path.mnt);
	}
	return append_components(data, cursor, &walk, flags);
}

#endif
