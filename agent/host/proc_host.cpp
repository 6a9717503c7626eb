#include "host/proc_host.hpp"

namespace sockward {

ProcHost::ProcHost(const HostSources& sources)
    : folders_(sources.proc),
      limit_(clock_,
             sources.scan_bytes == SocketList::kUnbounded ? CpuBudget::kUnlimited : CpuBudget::kBurst),
      scans_(sources.sockets, clock_, limit_, sources.scan_bytes),
      processes_(folders_, sources.controller, sources.cgroup2_root, sources.uts),
      paths_(folders_, sources.mount_events, clock_, limit_),
      network_(folders_, clock_, limit_),
      denials_(sources.denials != nullptr ? *sources.denials : no_denials_),
      requests_(sources.requests != nullptr ? *sources.requests : no_requests_) {}

void ProcHost::refresh_socket_scan() const {
  time_.check();
  scans_.refresh();
}

HostUpkeep::Omissions ProcHost::omissions() const {
  const TimeLimitedWorker::GivenUp files = paths_.given_up(), units = units_.given_up();
  return {.sockets = scans_.left_out(),
          .requests = requests_.skipped(),
          .files_timed_out = files.timed_out + units.timed_out,
          .files_not_begun = files.not_begun + units.not_begun,
          .audit = denials_.lost()};
}

}  // namespace sockward
