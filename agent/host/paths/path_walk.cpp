#include "host/paths/path_walk.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <algorithm>

#include "host/paths/file_systems.hpp"
#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

constexpr std::size_t kMostLinks = 40;  // MAXSYMLINKS, include/linux/namei.h

struct FileSystem {
  long magic = 0;  // 0: not known
  bool read_only = false;
};

FileSystem describe_file_system(const FileDescriptor& object) {
  struct statfs status {};
  if (fstatfs(object.get(), &status) != 0) return {};
  return {.magic = status.f_type, .read_only = (status.f_flags & ST_RDONLY) != 0};
}

bool has_acl(const FileDescriptor& object) {
  // getxattr does not take O_PATH descriptors; their /proc link leads to the very object.
  const std::string link = fmt::format("/proc/self/fd/{}", object.get());
  return getxattr(link.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

}  // namespace

void PathWalk::push_components(const std::string& path) {
  // Of the end of the path only, which may be that of a link's target (fs/namei.c, lookup_last).
  directory_wanted_ |= ahead_.empty() && (path.ends_with('/') || path.ends_with("/.") || path == ".");
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end > start && path.substr(start, end - start) != ".")
      parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  ahead_.insert(ahead_.begin(), parts.begin(), parts.end());
}

std::string PathWalk::joined(const std::string& name) const {
  std::string path;
  for (const auto& part : here_) path += "/" + part;
  return name.empty() ? (path.empty() ? "/" : path) : path + "/" + name;
}

Result<bool> PathWalk::note_directory() {
  const std::string path = joined("");
  const FileDescriptor directory = open_below(root_, path);
  if (!directory.valid()) return last_error("look at a directory of the path");
  auto object = describe(directory);
  if (!object) return object.error();
  const FileSystem system = describe_file_system(directory);
  trace_.remote |= system.magic == 0 || is_remote(system.magic);
  trace_.layered |= system.magic == OVERLAYFS_SUPER_MAGIC;
  trace_.read_only = system.read_only;
  trace_.file_system = system.magic;
  if (const std::uint64_t mount = mount_of(directory); trace_.mounts.empty() || trace_.mounts.back() != mount)
    trace_.mounts.push_back(mount);
  trace_.searched.push_back({path, *object, has_acl(directory)});
  return true;
}

PathWalk::Going PathWalk::note_missing(const std::string& name, bool last) {
  if (!last || behind_last_link_ || directory_wanted_) trace_.missing = joined(name);
  return Going::ended;
}

Result<PathWalk::Going> PathWalk::follow_link(const std::string& name, const FileDescriptor& link,
                                              const std::string& target, bool last) {
  const auto object = describe(link);
  if (!object) return object.error();
  trace_.links.push_back({joined(name), *object, false});
  if (trace_.links.size() > kMostLinks) {
    trace_.loops = true;
    return Going::ended;
  }
  if (file_system_of(link) == PROC_SUPER_MAGIC) trace_.callers_view = false;
  behind_last_link_ |= last;
  if (target.starts_with('/')) here_.clear();
  push_components(target);
  return Going::on;
}

Result<PathWalk::Going> PathWalk::note_object(const std::string& name, const FileDescriptor& object,
                                              bool last) {
  auto found = describe(object);
  if (!found) return found.error();
  const bool is_directory = found->kind == PathObject::Kind::directory;
  if (!is_directory && (!last || directory_wanted_)) {
    trace_.missing = joined(name);
    trace_.missing_is_file = true;
    return Going::ended;
  }
  if (last) trace_.object = PathStep{joined(name), *found, has_acl(object)};
  here_.push_back(name);
  return Going::on;
}

Result<PathWalk::Going> PathWalk::step(const std::string& name, bool last, bool follow) {
  if (name == "..") {
    if (!here_.empty()) here_.pop_back();
    return Going::on;
  }
  const FileDescriptor object = open_below(root_, joined(name));
  if (!object.valid()) {
    if (errno == ENOENT) return note_missing(name, last);
    return last_error("look at a component of the path");
  }
  const auto target = link_target(object);
  if (target && (!last || follow || directory_wanted_)) return follow_link(name, object, *target, last);
  return note_object(name, object, last);
}

Result<PathTrace> PathWalk::trace(const std::string& path, bool follow) {
  trace_.callers_view = true;
  push_components(path);
  while (!ahead_.empty()) {
    if (const auto noted = note_directory(); !noted) return noted.error();
    const std::string name = std::move(ahead_.front());
    ahead_.pop_front();
    const auto going = step(name, ahead_.empty(), follow);
    if (!going) return going.error();
    if (*going == Going::ended) return std::move(trace_);
  }
  if (trace_.object) return std::move(trace_);
  // The path is "/" or ends in "..": a directory that was there before.
  const FileDescriptor directory = open_below(root_, joined(""));
  if (!directory.valid()) return last_error("look at the end of the path");
  const auto object = describe(directory);
  if (!object) return object.error();
  trace_.object = PathStep{joined(""), *object, has_acl(directory)};
  return std::move(trace_);
}

}  // namespace sockward
