#include "app/probe_settings.hpp"

#include <fstream>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

BackendChoice backend_choice(Settings::Probes::Backend backend) {
  using enum Settings::Probes::Backend;
  return backend == fexit        ? BackendChoice::fexit
         : backend == tracepoint ? BackendChoice::tracepoint
                                 : BackendChoice::automatic;
}

bool sysctl_writes_strict() {
  int value = 1;
  std::ifstream("/proc/sys/kernel/sysctl_writes_strict") >> value;
  return value == 1;
}

}  // namespace

ReportFilter report_filter(const std::vector<std::string>& errors, const char* flag) {
  ReportFilter filter;
  filter.too_long = filter.unix_refused = filter.unix_missing = false;
  for (const auto& name : errors) {
    if (name == "default") {
      const ReportFilter standard = ReportFilter::standard();
      for (std::size_t i = 0; i < standard.errno_bits.size(); ++i)
        filter.errno_bits.at(i) |= standard.errno_bits.at(i);
      filter.too_long = filter.unix_refused = filter.unix_missing = true;
    } else if (name == "all") {
      filter.all_errors = filter.too_long = filter.unix_refused = filter.unix_missing = true;
    } else if (const auto number = errno_number(name)) {
      filter.add_errno(*number);
    } else {
      throw usage_error(fmt::format("{}: unknown error name \"{}\"", flag, printable(name).text),
                        fmt::format("did you mean {}? Also: all, default", nearest_errno_name(name)));
    }
  }
  return filter;
}

ProbeOptions probe_options(const ProbeFlags& flags, const Settings& settings, const CgroupMounts& mounts) {
  return {.filter = report_filter(settings.probes.errors, "probes.errno"),
          .backend = backend_choice(settings.probes.backend),
          .strict = flags.strict,
          .btf_path = flags.btf_path,
          .ring_bytes = settings.limits.ring_bytes,
          .source_entries = settings.limits.source_entries,
          .bound_names = settings.limits.bound_names,
          .seccomp_denied = settings.probes.seccomp_denied,
          .messages = settings.probes.stderr_text,
          .sends = settings.probes.sends,
          .near_limit_bytes = static_cast<std::uint16_t>(settings.names.near_limit_bytes),
          .given_up_after = settings.probes.given_up_after,
          .host_utsns = settings.host.uts_namespace,
          .hierarchy = mounts.hierarchy,
          .cgroup2_root = mounts.v2_root,
          .writes_strict = sysctl_writes_strict()};
}

}  // namespace sockward
