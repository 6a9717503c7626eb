#pragma once
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/paths/path_view.hpp"

namespace sockward {

/// Looks below a root directory that belongs to somebody else: no symbolic link leads out of it
/// (RESOLVE_IN_ROOT, openat2(2), 5.6), nothing is opened but with O_PATH. `path` is absolute, raw bytes.
Result<std::optional<PathObject>> look_at(int root, const std::string& path);
/// Opens one object below the root with O_PATH, not following a link at the end. Invalid with errno on
/// failure.
FileDescriptor open_below(int root, const std::string& path);
/// What an O_PATH descriptor stands for.
Result<PathObject> describe(const FileDescriptor& object);
/// The magic number of the file system it lies on (statfs(2)). 0: not known.
long file_system_of(const FileDescriptor& object);
/// Is it what a mount has at its top (STATX_ATTR_MOUNT_ROOT, 5.8)?
bool is_mount_root(const FileDescriptor& object);
/// The mount it was reached through, as /proc/pid/mountinfo numbers it (STATX_MNT_ID, 5.8). 0: not known.
std::uint64_t mount_of(const FileDescriptor& object);
/// The target when it is a symbolic link.
std::optional<std::string> link_target(const FileDescriptor& object);
/// The first symbolic link on the path.
Result<std::optional<SymlinkOnPath>> find_symlink(int root, const std::string& path);

}  // namespace sockward
