#pragma once
#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sockward {

using LabelValues = std::initializer_list<std::string_view>;

/// Fills one metric family whose name, type, help and label names come from the catalogue.
class FamilyBuilder {
 public:
  /// Aborts on a name that is not in the catalogue.
  explicit FamilyBuilder(std::string_view name);

  /// Room for so many series.
  FamilyBuilder& reserve(std::size_t series) {
    family_.metric.reserve(series);
    return *this;
  }
  /// `values` in the order of the catalogue's labels. Made printable: one invalid byte would spoil the whole
  /// scrape.
  FamilyBuilder& add(LabelValues values, double value);
  /// `bounds` without +Inf; `counts` not cumulative, one more than bounds.
  FamilyBuilder& add_histogram(const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts,
                               double sum);

  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  prometheus::MetricFamily family_;
  std::vector<std::string> labels_;
};

}  // namespace sockward
