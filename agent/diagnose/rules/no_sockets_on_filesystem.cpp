// bind makes a socket file, and the directory lies on a file system that has none: EPERM where directories
// have no mknod operation (fs/namei.c, vfs_mknod), or EOPNOTSUPP. In /proc it is ENOENT, for its look-ups
// fail where others find that a name is free.
#include <fmt/format.h>
#include <linux/magic.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

struct FileSystem {
  long magic;
  const char* name;
  bool never;  ///< its directories have no mknod at all; otherwise its server or its options decide
};

constexpr FileSystem kWithoutSockets[] = {{0x19800202, "mqueue", true},
                                          {0x4d44, "vfat or msdos", true},
                                          {0x2011BAB0, "exfat", true},
                                          {0x786f4256, "vboxsf", true},
                                          {SYSFS_MAGIC, "sysfs", true},
                                          {PROC_SUPER_MAGIC, "proc", true},
                                          {CGROUP_SUPER_MAGIC, "cgroup", true},
                                          {CGROUP2_SUPER_MAGIC, "cgroup2", true},
                                          {DEBUGFS_MAGIC, "debugfs", true},
                                          {TRACEFS_MAGIC, "tracefs", true},
                                          {0xcafe4a11, "bpf", true},
                                          {DEVPTS_SUPER_MAGIC, "devpts", true},
                                          {0x62656570, "configfs", true},
                                          {0x6e736673, "nsfs", true},
                                          {0x65735546, "fuse", false},
                                          {0x01021997, "9p", false},
                                          {0xFF534D42, "cifs", false},
                                          {0xFE534D42, "smb3", false},
                                          {0x5346544e, "ntfs", false},
                                          {0x7366746e, "ntfs3", false}};

}  // namespace

std::optional<Finding> no_sockets_on_filesystem(const Facts& facts) {
  const int error = facts.event.error();
  if (facts.event.syscall != Syscall::bind || !facts.is_unix_path()) return std::nullopt;
  if (error != EPERM && error != EOPNOTSUPP && error != ENOENT) return std::nullopt;
  const PathFacts& way = facts.way();
  if (!way.known() || way.trace.searched.empty() || way.trace.missing || way.trace.object)
    return std::nullopt;
  const auto* system =
      std::find_if(std::begin(kWithoutSockets), std::end(kWithoutSockets),
                   [&](const FileSystem& one) { return one.magic == way.trace.file_system; });
  if (system == std::end(kWithoutSockets)) return std::nullopt;
  if ((error == ENOENT) != (system->magic == PROC_SUPER_MAGIC)) return std::nullopt;
  const std::string folder = printable(way.trace.searched.back().path).text;
  return Finding{
      .cause = Cause::no_sockets_on_filesystem,
      .evidence = {{fmt::format("{} is on {}, {}", folder, system->name,
                                system->never ? "where no socket file can be created"
                                              : "which may not support socket files"),
                    way.leads_to.back()}},
      .alternative = system->never ? "" : "whether it supports sockets depends on its server and options",
      .advice = "put the socket on another file system: a directory below /run, or a tmpfs"};
}

}  // namespace sockward::rules
