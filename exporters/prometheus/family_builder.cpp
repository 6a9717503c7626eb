#include "prometheus/family_builder.hpp"

#include <cassert>

#include "base/printable.hpp"

namespace sockward {
namespace {

prometheus::MetricType to_prometheus(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return prometheus::MetricType::Counter;
    case MetricType::gauge:
      return prometheus::MetricType::Gauge;
    case MetricType::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

}  // namespace

FamilyBuilder::FamilyBuilder(const MetricInfo& info) {
  family_.name = info.name;
  family_.help = info.help;
  family_.type = to_prometheus(info.type);
  labels_ = split(info.labels);
}

FamilyBuilder& FamilyBuilder::add(LabelValues values, double value) {
  assert(values.size() == labels_.size());
  prometheus::ClientMetric metric;
  metric.label.reserve(labels_.size());
  std::size_t i = 0;
  for (const std::string_view label : values) metric.label.push_back({labels_[i++], printable(label).text});
  if (family_.type == prometheus::MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  family_.metric.push_back(std::move(metric));
  return *this;
}

FamilyBuilder& FamilyBuilder::add_histogram(const std::vector<double>& bounds,
                                            const std::vector<std::uint64_t>& counts, double sum) {
  assert(counts.size() == bounds.size() + 1);
  prometheus::ClientMetric metric;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({below, bound});
  }
  metric.histogram.sample_count = below;
  metric.histogram.sample_sum = sum;
  family_.metric.push_back(std::move(metric));
  return *this;
}

}  // namespace sockward
