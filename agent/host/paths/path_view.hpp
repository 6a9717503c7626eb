#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// What lies at a path, seen from a process's root and not followed when it is a symbolic link itself.
struct PathObject {
  enum class Kind { socket, file, directory, symlink, fifo, device };
  Kind kind = Kind::file;
  std::uint64_t device = 0, inode = 0;  ///< as stat(2) has them
  std::uint32_t uid = 0, gid = 0, mode = 0;
  std::uint32_t links = 1;   ///< 0: its name was removed; something (a mount) still leads to it
  bool immutable = false;    ///< chattr +i: it cannot be removed, and no name in it made or removed
  bool append_only = false;  ///< chattr +a: it cannot be removed, and no name in it
  WallTime changed;          ///< ctime
  WallTime modified;         ///< mtime: of a directory, when a name in it was made or removed last
  /// Does the file system keep exact change times? Not so on network file systems, FUSE, FAT, /proc, and
  /// where times have whole seconds.
  bool exact_times = false;
  std::optional<std::uint32_t> generation;  ///< of the inode number, where the file system reports it
  std::optional<WallTime> born;             ///< where the file system keeps it
};

/// A symbolic link on the way along a path.
struct SymlinkOnPath {
  std::string path, target;  ///< raw bytes; path as the process sees it
  bool last = false;         ///< it is the last component
  WallTime changed;          ///< ctime of the link
  /// The caller's mount namespace is gone: seen from ours, below the same root.
  bool from_our_mounts = false;
};

/// The mount that an object was reached through, as /proc/pid/mountinfo has it. Strings are raw bytes.
struct MountPoint {
  std::string point;        ///< where it is mounted, as the process sees it
  std::string root;         ///< what of its file system is mounted there, without "//deleted"
  std::string file_system;  ///< ext4, tmpfs, mqueue …
  std::string source;
  bool source_removed = false;  ///< what is mounted has no name any more
  bool read_only = false;
};

/// One directory that was searched on the way along a path, links followed.
struct PathStep {
  std::string path;  ///< as the process sees it; raw bytes
  PathObject object;
  bool has_acl = false;  ///< it has a POSIX access-control list: the mode alone does not decide
};

/// The way along a path, as the kernel resolves it.
struct PathTrace {
  std::vector<PathStep> searched;  ///< the last one is the directory that holds (or would hold) the name
  std::optional<PathStep> object;  ///< what lies at the end
  std::vector<PathStep> links;     ///< symbolic links that were followed, in order
  /// The first component that does not exist, or (`missing_is_file`) that would have to be a directory and is
  /// none: nothing behind it was looked at. nullopt: all directories are there.
  std::optional<std::string> missing;
  bool missing_is_file = false;
  std::vector<std::uint64_t> mounts;  ///< numbers of the mounts on the way (/proc/pid/mountinfo)
  bool loops = false;                 ///< more than 40 of them: ELOOP
  bool remote = false;                ///< NFS, FUSE and the like: permissions are decided elsewhere
  bool layered = false;               ///< overlay: the file system below has permissions of its own
  bool idmapped = false;              ///< a mount on the way maps owners (mount_setattr(2)), or may do so
  bool read_only = false;             ///< the last directory lies on a read-only mount
  long file_system = 0;               ///< of the last directory: its magic number (statfs(2))
  /// Looked up below the very root directory and in the mount namespace that the record has, not only through
  /// a process that may have changed them since.
  bool callers_view = false;
};

/// Users and groups by number.
struct IdNumbers {
  std::set<std::uint32_t> users, groups;
};
/// Their names, as far as they have one.
struct IdNames {
  std::map<std::uint32_t, std::string> users, groups;
};

/// Questions about files, as the caller of an event saw them, asked after the call (host/host_view.hpp).
/// Error: also when the caller is gone and nothing else has its view. Implementations are thread-safe.
class PathView {
 public:
  virtual ~PathView() = default;
  /// Every directory on the way along an absolute path. `follow`: also a link at its end.
  virtual Result<PathTrace> trace_path(const Event& event, const std::string& path, bool follow) const = 0;
  /// The first symbolic link on an absolute path; nullopt: there is none.
  virtual Result<std::optional<SymlinkOnPath>> first_symlink(const Event& event,
                                                             const std::string& path) const = 0;
  /// The mount through which the caller reaches what lies at an absolute path (links followed but for the
  /// last component); `point` is the path itself when something is mounted on it.
  virtual Result<MountPoint> mount_at(const Event& event, const std::string& path) const = 0;
  /// The event counter of the caller's mount namespace now. nullopt: no process lives in it any more.
  virtual Result<std::optional<std::uint64_t>> mount_event(const Event& event) const = 0;
  /// What the caller's own /etc/passwd and /etc/group call them. Error: also when the caller lives in another
  /// user namespace than we do, where numbers mean something else.
  virtual Result<IdNames> id_names(const Event& event, const IdNumbers& wanted) const = 0;
};

}  // namespace sockward
