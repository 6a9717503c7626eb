#pragma once
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "host/containers/cgroups.hpp"
#include "probe/probe_set.hpp"

namespace sockward {

/// Flags of every command that observes.
struct ProbeFlags {
  FlagValues settings;  ///< those of section `probes`; of `run`: of every section
  std::string btf_path;
  bool strict = false;
};

/// Turns settings, and the flags that are none, into what the loader takes. Throws StartupError (usage).
ProbeOptions probe_options(const ProbeFlags& flags, const Settings& settings, const CgroupMounts& mounts);

/// "default", "all" or errno names. Throws StartupError (usage) with the nearest right name.
ReportFilter report_filter(const std::vector<std::string>& errors, const char* flag);

}  // namespace sockward
