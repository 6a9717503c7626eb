#pragma once
#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prometheus/catalogue.hpp"

namespace sockward {

using LabelValues = std::initializer_list<std::string_view>;

/// Fills one metric family with series.
class FamilyBuilder {
 public:
  explicit FamilyBuilder(const MetricInfo& info);

  /// Room for so many series.
  FamilyBuilder& reserve(std::size_t series) {
    family_.metric.reserve(series);
    return *this;
  }
  /// One series. `values` in the order of MetricInfo::labels. They are made printable: one invalid byte would
  /// spoil the whole scrape.
  FamilyBuilder& add(LabelValues values, double value);
  /// The same with a whole number; from 2^53 on it is rounded.
  FamilyBuilder& count(LabelValues values, std::uint64_t value) {
    return add(values, static_cast<double>(value));
  }
  /// `bounds` without +Inf; `counts` not cumulative, one more than bounds.
  FamilyBuilder& add_histogram(const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts,
                               double sum);

  bool empty() const { return family_.metric.empty(); }
  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  prometheus::MetricFamily family_;
  std::vector<std::string> labels_;
};

}  // namespace sockward
