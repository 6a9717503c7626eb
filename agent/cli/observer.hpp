#pragma once
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "config/settings.hpp"
#include "enrich/cgroups.hpp"
#include "enrich/proc_host.hpp"
#include "enrich/proc_sockets.hpp"
#include "jsonl/json_record.hpp"
#include "pipeline/pipeline.hpp"
#include "probe/probe_set.hpp"

namespace sockward {

/// Turns settings, and the flags that are none, into what the loader takes. Throws StartupError (usage).
ProbeOptions probe_options(const ProbeFlags& flags, const Settings& settings, const CgroupMounts& mounts);

/// "default", "all" or errno names. Throws StartupError (usage) with the nearest right name.
ReportFilter report_filter(const std::vector<std::string>& errors, const char* flag);

/// Who bound what by the kernel side's table, and who has what open by its scan; without the scan (no
/// iterator here) by sock_diag and /proc.
class KnownSockets final : public BoundSockets {
 public:
  explicit KnownSockets(const ProbeSet& probes) : probes_(probes), fallback_("/proc") {}
  std::optional<SocketOwner> binder(const BoundName& name) const override { return probes_.binder(name); }
  Result<bool> note_released() const override { return probes_.note_released(); }
  Result<bool> scan(SocketList& into) const override;

 private:
  const ProbeSet& probes_;
  ProcSockets fallback_;
};

/// The attached kernel side and the host view on top of it: what run and trace share.
class Observer {
 public:
  /// `walk_bytes`: Settings::Limits::walk_bytes. Throws StartupError.
  Observer(const ProbeOptions& options, const CgroupMounts& mounts,
           std::size_t walk_bytes = SocketScans::kMostBytes);

  /// "attached", or how many probes are when not all.
  std::string attached_text() const;

  std::unique_ptr<ProbeSet> probes;
  KnownSockets sockets;
  ProcHost host;
  ContainerDirectory containers;
  SystemClock clock;
  AgentStats stats;
};

/// What an agent in a pid namespace of its own cannot see; nullopt: it lives in the host's.
std::optional<std::string> pid_namespace_limit();

/// Why no path can be looked up here; nullopt: they can.
std::optional<std::string> path_lookup_limit();

/// What records say about this host.
Resource this_resource();

/// Blocks the signals that steer the agent, for this thread and those it will start. Also ignores SIGPIPE.
class StopSignals {
 public:
  StopSignals();
  /// Waits for SIGINT or SIGTERM, at most `seconds` (0: for ever). SIGHUP and SIGUSR1 do nothing.
  void wait(double seconds) const;
  /// What came within `seconds`: SIGHUP; SIGINT or SIGTERM; SIGUSR1, to stop and leave the programs to the
  /// next agent.
  enum class Came { nothing, hangup, stop, hand_over };
  Came next(double seconds) const;

 private:
  sigset_t signals_;
};

}  // namespace sockward
