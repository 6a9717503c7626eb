#pragma once
#include <cstdint>
#include <vector>

#include "prometheus/failure_series.hpp"
#include "prometheus/metrics_page.hpp"
#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// What the metrics of one rendering of the page are made from. What is expensive, or has to fit together,
/// was read once for all of them.
struct Scrape {
  const MetricSources& sources;
  const MetricOptions& options;
  const KernelSnapshot& kernel;
  FailureSeries::Table failures;
  std::uint64_t folded_containers = 0;  ///< FailureSeries::overflowed()
  std::vector<ProgramStats> programs;
};

}  // namespace sockward
