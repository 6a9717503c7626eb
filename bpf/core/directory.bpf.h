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
};

/*
 * The bytes behind a record's fixed part, and how many are in use. The cursor lives in map memory on purpose: the
 * verifier forgets what it knows of a value that was stored, so every turn of a loop looks the same to it and is
 * checked once. With the cursor in a register the programs took ten times as long to load.
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

/* Appends the components of walk->dentry up to the caller's root, leaf first, NUL after each. */
static __always_inline void append_components(struct data_area data, const struct directory_walk *walk,
					      __u32 *flags)
{
	__u64 limit = *data.cursor + SOCKWARD_DIR_MAX - SOCKWARD_COMPONENT_MAX;
	struct vfsmount *vfsmount = walk->mount;
	struct dentry *dentry = walk->dentry;

	for (int depth = 0; depth < SOCKWARD_DIR_DEPTH; depth++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		long copied;

		if (dentry == walk->root_dentry && vfsmount == walk->root_mount)
			return;
		if (dentry == BPF_CORE_READ(vfsmount, mnt_root) || dentry == parent) {
			struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (!above || above == mount) {
				*flags |= SOCKWARD_DIR_UNREACHABLE;
				return;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			vfsmount = (void *)above + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (*data.cursor > limit)
			break;
		copied = bpf_probe_read_kernel_str(&data.bytes[cursor_of(data)], SOCKWARD_COMPONENT_MAX,
						   BPF_CORE_READ(dentry, d_name.name));
		if (copied <= 0)
			break;
		*data.cursor += copied;
		dentry = parent;
	}
	*flags |= SOCKWARD_DIR_CLIPPED;
}

/* Appends the directory behind dirfd (AT_FDCWD: the working directory). */
static __always_inline void append_directory(struct data_area data, int dirfd, __u32 *flags)
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
			return;
		}
		walk.dentry = BPF_CORE_READ(file, f_path.dentry);
		walk.mount = BPF_CORE_READ(file, f_path.mnt);
	}
	append_components(data, &walk, flags);
}

#endif
