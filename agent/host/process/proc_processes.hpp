#pragma once
#include <string>
#include <utility>

#include "host/process/process_folders.hpp"
#include "host/process/process_view.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// ProcessView on /proc. Sees the processes of the pid namespace of `folders`. Thread-safe.
class ProcProcesses final : public ProcessView {
 public:
  /// `controller`: as in /proc/pid/cgroup, "" for v2, "pids" or "memory" for v1. `cgroup2_root`: where
  /// cgroup2 is mounted; empty: nowhere. `uts` may be null: names of UTS namespaces are not visible then. It
  /// and `folders` must outlive this object.
  ProcProcesses(const ProcessFolders& folders, std::string controller, std::string cgroup2_root,
                const UtsNames* uts)
      : folders_(folders),
        controller_(std::move(controller)),
        cgroup2_root_(std::move(cgroup2_root)),
        uts_(uts) {}

  Result<std::string> executable(ProcessId process) const override;
  Result<std::vector<std::string>> arguments(ProcessId process) const override;
  Result<std::string> cgroup_path(ProcessId process) const override;
  Result<unsigned> cgroup_programs(const Event& event) const override;
  Result<Credentials> credentials(const Event& event) const override;
  Result<NamespaceInode> mount_namespace(ProcessId process) const override;
  Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const override;

 private:
  const ProcessFolders& folders_;
  const std::string controller_, cgroup2_root_;
  const UtsNames* uts_;
};

}  // namespace sockward
