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

using enum MetricType;

constexpr Metric kDiagnoses[] = {
    {{"sockward_diagnoses_total", counter, "cause,syscall,container_name",
      "Diagnosed records by cause. Depends on records arriving: see sockward_events_lost_total.", true},
     add_diagnoses},
};

}  // namespace

MetricTable diagnosis_metrics() {
  return kDiagnoses;
}

}  // namespace sockward
