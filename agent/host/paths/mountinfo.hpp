#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/paths/path_view.hpp"

namespace sockward {

/// One line of /proc/pid/mountinfo (proc(5); fs/proc_namespace.c, show_mountinfo). Strings are raw bytes: the
/// octal escapes of the file are decoded.
struct MountLine {
  std::uint64_t number = 0;   ///< what statx(2) calls the mount id
  std::string root, point;    ///< what of its file system is mounted, and where
  std::string options;        ///< of the mount: "rw,relatime,idmapped"
  std::string type, source;   ///< of the file system
  std::string super_options;  ///< of the file system: "rw,pids"

  /// Is this word among the options of the mount?
  bool has_option(std::string_view wanted) const;
  /// Is this word among the options of the file system?
  bool has_super_option(std::string_view wanted) const;
};

/// nullopt: not such a line. Any bytes are safe.
std::optional<MountLine> parse_mount_line(std::string_view line);
/// Every line of the text that can be parsed, in order.
void for_each_mount(std::string_view mountinfo, const std::function<void(const MountLine&)>& take);

/// A mount as rules see it. A root that ends in "//deleted" (fs/d_path.c, dentry_path) is given
/// without it, and source_removed says so.
MountPoint to_mount_point(const MountLine& line);

/// What mountinfo knows about some mounts.
struct MountIdMapping {
  std::size_t found = 0;  ///< how many of them the text lists
  bool idmapped = false;  ///< one of them is (mount_setattr(2))
};
MountIdMapping id_mapping_of(std::string_view mountinfo, const std::vector<std::uint64_t>& mounts);

/// The inode number of a namespace that is bind-mounted: its root is "net:[4026531840]" then (fs/nsfs.c,
/// ns_dname). nullopt: not a namespace of this kind.
std::optional<NamespaceInode> mounted_namespace(const MountLine& line, std::string_view kind);

}  // namespace sockward
