#pragma once
#include <prometheus/metric_family.h>

#include <vector>

namespace sockward {

/// The standard process_* metrics of the agent itself, from /proc/self.
std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace sockward
