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

/// What permission checks on files go by.
struct Credentials {
  std::uint32_t fsuid = 0, fsgid = 0;
  std::vector<std::uint32_t> groups;
};

/// Questions about processes, asked after the call (host/host_view.hpp). Implementations are thread-safe.
class ProcessView {
 public:
  virtual ~ProcessView() = default;
  /// The program's path as the process sees it. Error: the process is gone, or not visible from here.
  virtual Result<std::string> executable(ProcessId process) const = 0;
  /// The command line; user memory, so evidence and not proof (proc(5), /proc/pid/cmdline).
  virtual Result<std::vector<std::string>> arguments(ProcessId process) const = 0;
  /// The process's cgroup in the hierarchy that distinguishes containers.
  virtual Result<std::string> cgroup_path(ProcessId process) const = 0;
  /// How many BPF programs decide about this kind of call for the caller's cgroup.
  virtual Result<unsigned> cgroup_programs(const Event& event) const = 0;
  /// Of the calling thread: those of the record, if it has all groups; else as they are by now.
  virtual Result<Credentials> credentials(const Event& event) const = 0;
  /// The mount namespace that a process lives in now. Error: it is gone.
  virtual Result<NamespaceInode> mount_namespace(ProcessId process) const = 0;
  /// Present names of a UTS namespace; nullopt: no process lives in it.
  virtual Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const = 0;
};

}  // namespace sockward
