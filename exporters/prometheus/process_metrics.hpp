#pragma once
#include <prometheus/metric_family.h>
#include <sys/types.h>

#include <vector>

namespace sockward {

/// The standard process_* metrics of the agent itself, from /proc/self, and the memory of the process that
/// serves HTTP.
std::vector<prometheus::MetricFamily> process_metrics(pid_t web_process);

}  // namespace sockward
