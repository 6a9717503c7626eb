#pragma once
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "host/audit/audit_reader.hpp"
#include "host/bus/bus_watch.hpp"
#include "host/containers/cgroups.hpp"
#include "host/proc_host.hpp"
#include "host/sockets/proc_sockets.hpp"
#include "probe/probe_set.hpp"
#include "telemetry/agent_stats.hpp"

namespace sockward {

/// Who bound what by the kernel side's table, and who has what open by its scan; without the scan (no
/// iterator here) by sock_diag and /proc.
class KnownSockets final : public BoundSockets {
 public:
  explicit KnownSockets(const ProbeSet& probes) : probes_(probes), fallback_("/proc") {}
  std::optional<SocketOwner> binder(const BoundName& name) const override { return probes_.binder(name); }
  Result<bool> note_released() const override { return probes_.note_released(); }
  Result<bool> scan(SocketList& into) const override { return scan_for({}, into); }
  Result<bool> scan_for(const SocketFilter& filter, SocketList& into) const override;
  std::optional<OpenSocket> still_held(const OpenSocket& known) const override;

 private:
  const ProbeSet& probes_;
  ProcSockets fallback_;
};

/// The attached kernel side and the look-ups on top of it: what run and trace share.
class Observer {
 public:
  /// Throws StartupError.
  Observer(const ProbeOptions& options, const CgroupMounts& mounts, const Settings& settings);

  /// Starts what runs on threads of its own: after privileges were dropped.
  void start() {
    audit.start();
    bus.start(stats.requests_seen);
  }
  /// Which operation is seen on which route: by the kernel side, and by what else is read.
  std::vector<Coverage> coverage() const;

  /// "attached", or how many probes are when not all.
  std::string attached_text() const;

  std::unique_ptr<ProbeSet> probes;
  KnownSockets sockets;
  SystemClock clock;
  AgentStats stats;  // before those that write it on threads of their own
  AuditReader audit;
  BusWatch bus;
  ProcHost host;
  ContainerDirectory containers;
};

}  // namespace sockward
