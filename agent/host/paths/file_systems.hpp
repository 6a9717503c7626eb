#pragma once

namespace sockward {

// What is known about file systems by their magic numbers (statfs(2), include/uapi/linux/magic.h). Pure.

/// Permissions are decided elsewhere, or an answer may take for ever: NFS, FUSE, CIFS, 9p, Ceph.
bool is_remote(long magic);
/// It changes ctime with every change of an inode, to more than whole seconds, by this machine's clock. Not
/// so where a server or an old format has the last word. A time without nanoseconds is no exact one
/// all the same: ext3 and small inodes of ext4 keep seconds only.
bool keeps_exact_times(long magic);

}  // namespace sockward
