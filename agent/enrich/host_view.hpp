#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// Names one process for good: a pid alone may be reused.
struct ProcessId {
  std::uint32_t tgid = 0;
  std::uint64_t start_ns = 0;  ///< CLOCK_BOOTTIME start of the leader; 0: unknown, the pid alone decides
};

inline ProcessId process_of(const Event& event) {
  return {event.actor.tgid, event.actor.leader_start_ns};
}

struct HostNames {
  std::string hostname, domainname;  ///< raw bytes
};

/// Facts about the host, asked after the call. The one seam between rules and the system: tests pass a fake.
/// An Error is an answer: "not visible", with the reason. Implementations are thread-safe.
class HostView {
 public:
  virtual ~HostView() = default;
  /// The program's path as the process sees it. Error: the process is gone, or not visible from here.
  virtual Result<std::string> executable(ProcessId process) const = 0;
  /// The command line; user memory, so evidence and not proof (proc(5), /proc/pid/cmdline).
  virtual Result<std::vector<std::string>> arguments(ProcessId process) const = 0;
  /// The process's cgroup in the hierarchy that tells containers apart.
  virtual Result<std::string> cgroup_path(ProcessId process) const = 0;
  /// Present names of a UTS namespace; nullopt: no process lives in it.
  virtual Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const = 0;
};

}  // namespace sockward
