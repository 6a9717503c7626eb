#pragma once
#include <cstddef>
#include <string>

#include "base/clock.hpp"
#include "host/cpu_budget.hpp"
#include "host/host_view.hpp"
#include "host/network/proc_network.hpp"
#include "host/paths/proc_paths.hpp"
#include "host/process/proc_processes.hpp"
#include "host/process/process_folders.hpp"
#include "host/sockets/socket_scans.hpp"
#include "host/system_time.hpp"
#include "host/units/systemd_sockets.hpp"
#include "host/upkeep.hpp"
#include "kernel/mount_events.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// What a ProcHost looks at. What is null is not visible; all must outlive it.
struct HostSources {
  std::string proc = "/proc";     ///< the host is that of its pid namespace
  std::string controller = {};    ///< as in /proc/pid/cgroup: "" for v2, "pids" or "memory" for v1
  std::string cgroup2_root = {};  ///< where cgroup2 is mounted; empty: nowhere
  const UtsNames* uts = nullptr;
  const BoundSockets* sockets = nullptr;
  const MountEvents* mount_events = nullptr;
  const DenialView* denials = nullptr;
  const RequestView* requests = nullptr;
  /// Of one socket scan. SocketList::kUnbounded: for a single question, whose look-ups have no CPU budget
  /// either.
  std::size_t scan_bytes = SocketScans::kMostBytes;
};

/// The host, seen through /proc and the kernel's iterators: one part for each kind of question, which share a
/// CPU budget. Thread-safe.
class ProcHost final : public HostUpkeep {
 public:
  explicit ProcHost(const HostSources& sources);

  /// What can be asked, for as long as this object lives.
  HostView view() const { return {processes_, paths_, scans_, network_, time_, denials_, units_, requests_}; }
  void refresh_socket_scan() const override;
  Omissions omissions() const override;

 private:
  const SystemClock clock_;
  const SystemTime time_;
  const ProcessFolders folders_;
  mutable CpuBudget limit_;  // of everything below
  const SocketScans scans_;
  const ProcProcesses processes_;
  const ProcPaths paths_;
  const ProcNetwork network_;
  const NoDenials no_denials_;
  const DenialView& denials_;
  const SystemdSockets units_;
  const NoRequests no_requests_;
  const RequestView& requests_;
};

}  // namespace sockward
