#pragma once
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "config/settings.hpp"
#include "enrich/cgroups.hpp"
#include "enrich/proc_host.hpp"
#include "jsonl/json_record.hpp"
#include "pipeline/pipeline.hpp"
#include "probe/probe_set.hpp"

namespace sockward {

/// Turns flags and settings into what the loader takes. Throws StartupError (usage).
ProbeOptions probe_options(const ProbeFlags& flags, const Settings& settings, const CgroupMounts& mounts);

/// "default", "all" or errno names. Throws StartupError (usage) with the nearest right name.
ReportFilter report_filter(const std::vector<std::string>& errors, const char* flag);

/// The attached kernel side and the host view on top of it: what run and trace share.
class Observer {
 public:
  Observer(const ProbeOptions& options, const CgroupMounts& mounts);  // throws StartupError

  /// "attached", or how many probes are when not all.
  std::string attached_text() const;

  std::unique_ptr<ProbeSet> probes;
  ProcHost host;
  ContainerDirectory containers;
  SystemClock clock;
  AgentStats stats;
};

/// What records say about this host.
Resource this_resource();

/// Blocks the signals that end the agent, for this thread and those it will start. Also ignores SIGPIPE.
class StopSignals {
 public:
  StopSignals();
  /// Waits for SIGINT or SIGTERM, at most `seconds` (0: for ever).
  void wait(double seconds) const;

 private:
  sigset_t signals_;
};

}  // namespace sockward
