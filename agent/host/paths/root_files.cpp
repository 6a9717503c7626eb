#include "host/paths/root_files.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/paths/file_systems.hpp"
#include "host/paths/inode_generation.hpp"

namespace sockward {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

PathObject::Kind kind_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFSOCK:
      return PathObject::Kind::socket;
    case S_IFDIR:
      return PathObject::Kind::directory;
    case S_IFLNK:
      return PathObject::Kind::symlink;
    case S_IFIFO:
      return PathObject::Kind::fifo;
    case S_IFREG:
      return PathObject::Kind::file;
    default:
      return PathObject::Kind::device;
  }
}

WallTime to_wall(const statx_timestamp& time) {
  return {time.tv_sec * kSecond + time.tv_nsec};
}

}  // namespace

FileDescriptor open_below(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  constexpr int kAttempts = 8;
  for (int attempt = 1;; ++attempt) {
    FileDescriptor object(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
    // Something was renamed or mounted, anywhere, while ".." was followed (openat2(2)).
    if (object.valid() || errno != EAGAIN) return object;
    if (attempt < kAttempts) continue;
    errno = EBUSY;  // EAGAIN is another thing here: HostView
    return object;
  }
}

Result<PathObject> describe(const FileDescriptor& object) {
  struct statx status {};
  if (statx(object.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) != 0)
    return last_error("stat the path");
  const long system = file_system_of(object);
  PathObject found{.kind = kind_of(status.stx_mode),
                   .device = makedev(status.stx_dev_major, status.stx_dev_minor),
                   .inode = status.stx_ino,
                   .uid = status.stx_uid,
                   .gid = status.stx_gid,
                   .mode = status.stx_mode & 07777u,
                   .links = status.stx_nlink,
                   .immutable = (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0,
                   .append_only = (status.stx_attributes & STATX_ATTR_APPEND) != 0,
                   .changed = to_wall(status.stx_ctime),
                   .modified = to_wall(status.stx_mtime),
                   .exact_times = keeps_exact_times(system) && status.stx_ctime.tv_nsec != 0,
                   .generation = generation_of(object, system),
                   .born = {}};
  if ((status.stx_mask & STATX_BTIME) != 0) found.born = to_wall(status.stx_btime);
  return found;
}

long file_system_of(const FileDescriptor& object) {
  struct statfs status {};
  return fstatfs(object.get(), &status) == 0 ? status.f_type : 0;
}

bool is_mount_root(const FileDescriptor& object) {
  constexpr std::uint64_t kMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT
  struct statx status {};
  return statx(object.get(), "", AT_EMPTY_PATH, 0, &status) == 0 && (status.stx_attributes & kMountRoot) != 0;
}

std::uint64_t mount_of(const FileDescriptor& object) {
  constexpr unsigned kMountId = 0x1000;  // STATX_MNT_ID
  struct statx status {};
  if (statx(object.get(), "", AT_EMPTY_PATH, kMountId, &status) != 0 || (status.stx_mask & kMountId) == 0)
    return 0;
  // stx_mnt_id stands behind stx_dev_minor (include/uapi/linux/stat.h); libc's struct may not name it yet.
  std::uint64_t mount = 0;
  std::memcpy(&mount, reinterpret_cast<const char*>(&status.stx_dev_minor) + sizeof(status.stx_dev_minor),
              sizeof(mount));
  return mount;
}

std::optional<std::string> link_target(const FileDescriptor& object) {
  char target[4096];
  const ssize_t bytes = readlinkat(object.get(), "", target, sizeof(target));
  if (bytes < 0) return std::nullopt;
  return std::string(target, static_cast<std::size_t>(bytes));
}

Result<std::optional<PathObject>> look_at(int root, const std::string& path) {
  const FileDescriptor object = open_below(root, path);
  if (!object.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<PathObject>();
    return last_error("look at the path");
  }
  auto found = describe(object);
  if (!found) return found.error();
  return std::optional(*found);
}

Result<std::optional<SymlinkOnPath>> find_symlink(int root, const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const bool last = end == std::string::npos;
    const std::string prefix = path.substr(0, end);
    const FileDescriptor component = open_below(root, prefix);
    if (!component.valid()) return last_error("look at a component of the path");
    if (auto target = link_target(component)) {
      const auto link = describe(component);
      if (!link) return link.error();
      return std::optional(SymlinkOnPath{prefix, std::move(*target), last, link->changed});
    }
    if (last) return std::optional<SymlinkOnPath>();
  }
}

}  // namespace sockward
