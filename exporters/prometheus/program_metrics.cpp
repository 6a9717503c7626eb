#include <fstream>

#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

/// Of the programs that count watched calls, or of the others.
template <bool of_calls>
void add_missed(const Scrape& scrape, FamilyBuilder& family) {
  for (const auto& program : scrape.programs)
    if (program.counts_calls == of_calls) family.count({program.name}, program.missed);
}

/// Otherwise the kernel says 0: a false zero.
bool statistics_on(const Scrape& scrape) {
  if (scrape.options.bpf_statistics) return true;
  int on = 0;
  std::ifstream("/proc/sys/kernel/bpf_stats_enabled") >> on;
  return on != 0;
}

void add_run_seconds(const Scrape& scrape, FamilyBuilder& family) {
  if (!statistics_on(scrape)) return;
  for (const auto& program : scrape.programs)
    family.add({program.name}, static_cast<double>(program.run_time_ns) / 1e9);
}

void add_runs(const Scrape& scrape, FamilyBuilder& family) {
  if (!statistics_on(scrape)) return;
  for (const auto& program : scrape.programs) family.count({program.name}, program.run_count);
}

void add_attached(const Scrape& scrape, FamilyBuilder& family) {
  for (const auto& probe : scrape.sources.kernel.probes())
    family.count({probe.operation, to_string(probe.backend)}, probe.attached ? 1 : 0);
}

void add_coverage(const Scrape& scrape, FamilyBuilder& family) {
  for (const auto& route : scrape.sources.kernel.coverage())
    family.count({route.operation, route.route}, route.seen ? 1 : 0);
  family.count({"*", kAuditRoute}, scrape.sources.agent.audit_read ? 1 : 0);
  family.count({"sethostname", kRequestRoute}, scrape.sources.agent.requests_seen ? 1 : 0);
}

using enum MetricType;

constexpr Metric kMissedRuns[] = {
    {{"sockward_missed_calls_total", counter, "program",
      "Calls that a counting BPF program missed because the kernel skipped it "
      "(its own count, bpf_prog_info.recursion_misses).",
      true},
     add_missed<true>},
    {{"sockward_missed_runs_total", counter, "program",
      "The same for programs that count no calls: "
      "what they feed (holders, exec arguments, process exits) may have gaps.",
      true},
     add_missed<false>},
};

constexpr Metric kRunTimes[] = {
    {{"sockward_bpf_run_seconds_total", counter, "program",
      "Time spent in a BPF program; only while the kernel's BPF statistics are on.", false},
     add_run_seconds},
    {{"sockward_bpf_runs_total", counter, "program",
      "Runs of a BPF program; only while the kernel's BPF statistics are on.", false},
     add_runs},
};

constexpr Metric kProbes[] = {
    {{"sockward_probe_attached", gauge, "probe,backend", "1 when the probe is attached.", true},
     add_attached},
    {{"sockward_coverage", gauge, "operation,route", "1 when calls made by this route are seen.", true},
     add_coverage},
};

}  // namespace

MetricTable missed_run_metrics() {
  return kMissedRuns;
}

MetricTable run_time_metrics() {
  return kRunTimes;
}

MetricTable probe_metrics() {
  return kProbes;
}

}  // namespace sockward
