#pragma once
#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// The kernel's own count of changes of mounts. Thread-safe.
class MountEvents {
 public:
  virtual ~MountEvents() = default;
  /// The event counter of a mount namespace now (fs/namespace.c, touch_mnt_namespace). nullopt: no process
  /// lives in it. Error: not known on this kernel. Cost: one pass over all processes.
  virtual Result<std::optional<std::uint64_t>> mount_event(NamespaceInode mntns) const = 0;
};

}  // namespace sockward
