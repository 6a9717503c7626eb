#pragma once
#include <span>
#include <string_view>

namespace sockward {

enum class MetricType { counter, gauge, histogram };
std::string_view to_string(MetricType type);

struct MetricInfo {
  std::string_view name;  ///< with the prefix
  MetricType type;
  std::string_view labels;  ///< comma-separated, "" for none
  std::string_view help;    ///< one sentence; no backslash, no newline (prometheus-cpp does not escape it)
  bool always;              ///< exists from the first scrape on; otherwise only while it has series
};

/// Every metric of the agent, in the order of docs/metrics.md, which it yields. Tests see to it that
/// dashboards, rules and the scrape mention nothing else.
std::span<const MetricInfo> metric_catalogue();

}  // namespace sockward
