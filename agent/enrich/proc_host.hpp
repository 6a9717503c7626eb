#pragma once
#include <string>

#include "enrich/host_view.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// HostView on /proc and the kernel's iterators. Sees the pid namespace of the /proc it is given.
class ProcHost final : public HostView {
 public:
  /// `proc`: usually "/proc". `controller`: as in /proc/pid/cgroup, "" for v2, "pids" or "memory" for v1.
  /// `uts` may be null (no iterator): then names are not visible. Both must outlive this object.
  ProcHost(std::string proc, std::string controller, const UtsNames* uts)
      : proc_(std::move(proc)), controller_(std::move(controller)), uts_(uts) {}

  Result<std::string> executable(ProcessId process) const override;
  Result<std::vector<std::string>> arguments(ProcessId process) const override;
  Result<std::string> cgroup_path(ProcessId process) const override;
  Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const override;

 private:
  /// An open /proc/pid folder of exactly this process: every later look-up through it is of the same one.
  Result<class ProcessFolder> open_process(ProcessId process) const;

  std::string proc_, controller_;
  const UtsNames* uts_;
};

/// Start time of a process in clock ticks since boot, from the text of /proc/pid/stat (proc(5), field 22).
/// nullopt: not such a text. The command in it may hold spaces, parentheses and newlines.
std::optional<std::uint64_t> start_ticks_of(std::string_view stat_text);
/// The path of one controller's cgroup from the text of /proc/pid/cgroup. "" names the v2 hierarchy.
std::optional<std::string> cgroup_of(std::string_view cgroup_text, std::string_view controller);

}  // namespace sockward
