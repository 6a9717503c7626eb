#include "prometheus/catalogue.hpp"

#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

using Table = MetricTable (*)();

// In the order of docs/metrics.md.
constexpr Table kTables[] = {
    call_metrics,        missed_run_metrics,       diagnosis_metrics, hostname_change_metrics,
    host_rename_metrics, hostname_failure_metrics, name_metrics,      record_metrics,
    probe_metrics,       overflow_metrics,         limit_metrics,     delivery_metrics,
    store_metrics,       configuration_metrics,    run_time_metrics,  process_metrics,
};

}  // namespace

std::string_view to_string(MetricType type) {
  return type == MetricType::counter ? "counter" : type == MetricType::gauge ? "gauge" : "histogram";
}

std::span<const MetricInfo> metric_catalogue() {
  static const std::vector<MetricInfo> kAll = [] {
    std::vector<MetricInfo> all;
    for (const Table table : kTables)
      for (const Metric& metric : table()) all.push_back(metric.info);
    return all;
  }();
  return kAll;
}

}  // namespace sockward
