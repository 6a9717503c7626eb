#include "enrich/path_walk.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <algorithm>

#include "enrich/root_files.hpp"

namespace sockward {
namespace {

constexpr std::size_t kMostLinks = 40;  // MAXSYMLINKS, include/linux/namei.h
constexpr long kFuse = 0x65735546, kCifs = 0xFF534D42, kSmb2 = 0xFE534D42, kNinep = 0x01021997,
               kCeph = 0x00C36400;

struct FileSystem {
  bool remote = true, layered = false, read_only = false;
};

FileSystem file_system_of(const FileDescriptor& object) {
  struct statfs status {};
  if (fstatfs(object.get(), &status) != 0) return {};
  const long types[] = {NFS_SUPER_MAGIC, kFuse, kCifs, kSmb2, kNinep, kCeph};
  return {.remote = std::find(std::begin(types), std::end(types), status.f_type) != std::end(types),
          .layered = status.f_type == OVERLAYFS_SUPER_MAGIC,
          .read_only = (status.f_flags & ST_RDONLY) != 0};
}

bool has_acl(const FileDescriptor& object) {
  // getxattr does not take O_PATH descriptors; their /proc link leads to the very object.
  const std::string link = fmt::format("/proc/self/fd/{}", object.get());
  return getxattr(link.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

}  // namespace

void PathWalk::push_components(const std::string& path) {
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
  const FileSystem system = file_system_of(directory);
  trace_.remote |= system.remote;
  trace_.layered |= system.layered;
  trace_.read_only = system.read_only;
  if (const std::uint64_t mount = mount_of(directory); trace_.mounts.empty() || trace_.mounts.back() != mount)
    trace_.mounts.push_back(mount);
  trace_.searched.push_back({path, *object, has_acl(directory)});
  return true;
}

Result<bool> PathWalk::step(const std::string& name, bool last, bool follow) {
  if (name == "..") {
    if (!here_.empty()) here_.pop_back();
    return true;
  }
  const FileDescriptor object = open_below(root_, joined(name));
  if (!object.valid())
    return errno == ENOENT && last ? Result<bool>(true)
                                   : Result<bool>(last_error("look at a component of the path"));
  const auto target = link_target(object);
  if (target && (!last || follow)) {
    trace_.links.push_back(joined(name));
    if (trace_.links.size() > kMostLinks) {
      trace_.loops = true;
      return false;
    }
    if (target->starts_with('/')) here_.clear();
    push_components(*target);
    return true;
  }
  if (last) {
    auto found = describe(object);
    if (!found) return found.error();
    trace_.object = PathStep{joined(name), *found, has_acl(object)};
  }
  here_.push_back(name);
  return true;
}

Result<PathTrace> PathWalk::trace(const std::string& path, bool follow) {
  push_components(path);
  while (!ahead_.empty()) {
    if (const auto noted = note_directory(); !noted) return noted.error();
    const std::string name = std::move(ahead_.front());
    ahead_.pop_front();
    const auto going = step(name, ahead_.empty(), follow);
    if (!going) return going.error();
    if (!*going) break;
  }
  return std::move(trace_);
}

}  // namespace sockward
