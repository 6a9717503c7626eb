#include "host/paths/proc_paths.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/read_file.hpp"
#include "host/paths/id_names.hpp"
#include "host/paths/mountinfo.hpp"
#include "host/paths/path_walk.hpp"
#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

constexpr std::size_t kLongestMountinfo = std::size_t{16} << 20;

/// A path through /proc/self as the caller means it: for us that would be our own folder.
std::string as_caller(const Event& event, const std::string& path) {
  constexpr std::string_view kSelf = "/proc/self/", kThread = "/proc/thread-self/";
  if (path.starts_with(kSelf)) return fmt::format("/proc/{}/{}", event.actor.tgid, path.substr(kSelf.size()));
  if (path.starts_with(kThread))
    return fmt::format("/proc/{}/task/{}/{}", event.actor.tgid, event.actor.tid, path.substr(kThread.size()));
  return path;
}

}  // namespace

Result<std::optional<SymlinkOnPath>> ProcPaths::first_symlink(const Event& event,
                                                              const std::string& path) const {
  return worker_thread_.with_timeout<std::optional<SymlinkOnPath>>(
      [this, event, path] { return find_link(event, path); });
}

Result<std::optional<SymlinkOnPath>> ProcPaths::find_link(const Event& event, const std::string& path) const {
  const auto view = views_.open(event);
  if (view) return find_symlink(view->root.get(), as_caller(event, path));
  // A mount namespace is made as a copy: from the same root directory, ours shows the same links, but for
  // mounts.
  if (!views_.has_our_root(event)) return view.error();
  const FileDescriptor root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return last_error("open /");
  auto found = find_symlink(root.get(), path);
  if (found && *found) (*found)->from_our_mounts = true;
  return found;
}

Result<PathTrace> ProcPaths::trace_path(const Event& event, const std::string& path, bool follow) const {
  return worker_thread_.with_timeout<PathTrace>(
      [this, event, path, follow] { return resolve(event, path, follow); });
}

Result<PathTrace> ProcPaths::resolve(const Event& event, const std::string& path, bool follow) const {
  const auto view = views_.open(event);
  if (!view) return view.error();
  const std::string meant = as_caller(event, path);
  auto trace = PathWalk(view->root.get()).trace(meant, follow);
  if (!trace) return trace;
  if (meant != path && trace->missing && trace->missing->starts_with("/proc/"))
    return make_error(std::errc::no_such_process,
                      "follow a path through /proc/self of a process that is gone");
  trace->callers_view &= view->exact;
  trace->idmapped = may_be_idmapped(event, *view, trace->mounts);
  return trace;
}

/// Also where it cannot be found out.
bool ProcPaths::may_be_idmapped(const Event& event, const CallerView& view,
                                std::vector<std::uint64_t> mounts) const {
  std::sort(mounts.begin(), mounts.end());
  mounts.erase(std::unique(mounts.begin(), mounts.end()), mounts.end());
  MountIdMapping found;
  const auto add = [&](std::string_view lines) {
    const MountIdMapping more = id_mapping_of(lines, mounts);
    found.found += more.found;
    found.idmapped |= more.idmapped;
  };
  auto read = read_lines_at(view.process.get(), "mountinfo", kLongestMountinfo, add);
  if (read && found.found == mounts.size()) return found.idmapped;
  // In a chroot, mountinfo leaves out mounts that begin outside of it; from our root it may list them.
  if (event.actor.mntns != views_.own_mount_namespace()) return true;
  const auto own = processes_.open_own();
  if (!own) return true;
  found = {};
  read = read_lines_at(own->get(), "mountinfo", kLongestMountinfo, add);
  return !read || found.found != mounts.size() || found.idmapped;
}

Result<IdNames> ProcPaths::id_names(const Event& event, const IdNumbers& wanted) const {
  return worker_thread_.with_timeout<IdNames>([this, event, wanted]() -> Result<IdNames> {
    if (event.actor.userns != 0 && event.actor.userns != views_.own_user_namespace())
      return make_error(std::errc::operation_not_supported, "name the ids of another user namespace");
    const auto view = views_.open(event);
    if (!view) return view.error();
    return id_names_below(view->root.get(), wanted);
  });
}

Result<MountPoint> ProcPaths::mount_at(const Event& event, const std::string& path) const {
  return worker_thread_.with_timeout<MountPoint>([this, event, path] { return find_mount(event, path); });
}

Result<MountPoint> ProcPaths::find_mount(const Event& event, const std::string& path) const {
  const auto view = views_.open(event);
  if (!view) return view.error();
  const FileDescriptor object = open_below(view->root.get(), as_caller(event, path));
  if (!object.valid()) return last_error("look at the path");
  const std::uint64_t number = mount_of(object);
  if (number == 0) return make_error(std::errc::function_not_supported, "find the mount of the path");
  std::optional<MountPoint> found;
  const auto read =
      read_lines_at(view->process.get(), "mountinfo", kLongestMountinfo, [&](std::string_view lines) {
        for_each_mount(lines, [&](const MountLine& line) {
          if (line.number == number) found = to_mount_point(line);
        });
      });
  if (!found && !read) return read.error();
  if (!found)
    return make_error(std::errc::no_such_file_or_directory,
                      "find the mount of the path in /proc/pid/mountinfo");
  if (is_mount_root(object)) found->point = path;
  return *found;
}

}  // namespace sockward
