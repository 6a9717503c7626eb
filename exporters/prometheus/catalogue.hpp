#pragma once
#include <span>
#include <string_view>

namespace sockward {

enum class MetricType { counter, gauge, histogram };
std::string_view to_string(MetricType type);

/// One metric of the agent. The catalogue yields docs/metrics.md, and tests that dashboards, rules and the
/// scrape mention nothing else.
struct MetricInfo {
  std::string_view name;  ///< with the prefix
  MetricType type;
  std::string_view labels;  ///< comma-separated, "" for none
  std::string_view help;    ///< one sentence; no backslash, no newline (prometheus-cpp does not escape it)
  bool always;              ///< exists from the first scrape on
};

std::span<const MetricInfo> metric_catalogue();
const MetricInfo& metric_info(std::string_view name);  ///< aborts on an unknown name: a defect

}  // namespace sockward
