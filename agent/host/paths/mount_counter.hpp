#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/cpu_budget.hpp"
#include "kernel/mount_events.hpp"

namespace sockward {

/// The event counter of mount namespaces, as it is at the time of asking. For our own mount namespace and
/// that of process 1 a value is kept for as long as their mount tables can be seen not to change: poll(2) on
/// /proc/pid/mountinfo reports every change of the same counter (fs/namespace.c, mounts_poll). All others
/// cost a pass over all processes, which `limit` decides about. Thread-safe.
class MountCounter {
 public:
  /// `events` may be null: nothing is known then. It and the others must outlive this object. `proc`: usually
  /// "/proc".
  MountCounter(const std::string& proc, const MountEvents* events, const Clock& clock, CpuBudget& limit);

  /// nullopt: no process lives in it. Error: not known on this kernel, or refused by the limit.
  Result<std::optional<std::uint64_t>> read(NamespaceInode mntns) const;

 private:
  struct Watched {
    NamespaceInode inode = 0;
    FileDescriptor table;                ///< its mountinfo
    std::optional<std::uint64_t> value;  ///< since the table was last seen to have changed
  };
  void watch(const std::string& process);
  Result<std::optional<std::uint64_t>> read_now(NamespaceInode mntns) const;

  const MountEvents* events_;
  const Clock& clock_;
  CpuBudget& limit_;
  mutable std::mutex mutex_;
  mutable std::vector<Watched> watched_;
};

}  // namespace sockward
