#include <algorithm>

#include "prometheus/metric_tables.hpp"
#include "record/cause.hpp"

namespace sockward {
namespace {

void add_diagnoses(const Scrape& scrape, FamilyBuilder& family) {
  std::map<DiagnosisCounts::Key, std::uint64_t> counts;
  for (const Cause cause : all_causes())
    for (const Syscall syscall : calls_explained_by(cause))
      counts[{std::string(to_string(cause)), syscall, "host"}] = 0;
  for (const auto& [key, count] : scrape.sources.diagnoses.read()) counts[key] = count;
  for (const auto& [key, count] : counts)
    family.count({key.cause, to_string(key.syscall), key.container}, count);
}

/// Each cause that a connect may have is there from the first scrape on.
void add_unreached(const Scrape& scrape, FamilyBuilder& family) {
  static_assert(static_cast<std::size_t>(Cause::unknown) < AgentStats::kMostCauses);
  for (const Cause cause : all_causes()) {
    const auto calls = calls_explained_by(cause);
    if (std::find(calls.begin(), calls.end(), Syscall::connect) == calls.end()) continue;
    const auto& counts = scrape.sources.agent.unreached[static_cast<std::size_t>(cause)];
    for (std::size_t i = 0; i < kPortClasses; ++i)
      family.count({to_string(cause), kPortClassNames[i]}, counts[i]);
  }
}

using enum MetricType;

constexpr Metric kDiagnoses[] = {
    {{"sockward_diagnoses_total", counter, "cause,syscall,container_name",
      "Diagnosed records by cause. Depends on records arriving: see sockward_events_lost_total.", true},
     add_diagnoses},
    {{"sockward_unreached_total", counter, "cause,port_class",
      "Diagnosed failures to connect to an IP address, by cause and destination port: "
      "system (below 1024), user, dynamic (49152 and above). Depends on records arriving.",
      true},
     add_unreached},
};

}  // namespace

MetricTable diagnosis_metrics() {
  return kDiagnoses;
}

}  // namespace sockward
