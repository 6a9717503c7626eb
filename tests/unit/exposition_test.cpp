#include "prometheus/exposition.hpp"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <random>

namespace sockward::test {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const double kValues[] = {0,
                          -0.0,
                          1,
                          -1,
                          42,
                          1e6,
                          999999999999999,
                          1e15,
                          1e16,
                          9007199254740992,
                          1.8446744073709552e19,
                          0.1,
                          0.25,
                          1.0 / 3,
                          5e-324,
                          1e-5,
                          123456.789,
                          -2.5e-7,
                          kInfinity,
                          -kInfinity,
                          std::numeric_limits<double>::quiet_NaN(),
                          std::numeric_limits<double>::max()};

ClientMetric sample(MetricType type, double value, std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

/// The library's own serializer is the reference.
void expect_same(const std::vector<MetricFamily>& families) {
  EXPECT_EQ(exposition(families), prometheus::TextSerializer().Serialize(families));
}

TEST(Exposition, EveryNumberIsWrittenAsTheLibraryWritesIt) {
  for (const MetricType type : {MetricType::Counter, MetricType::Gauge}) {
    MetricFamily family{"sockward_test", "What it is.", type, {}};
    for (const double value : kValues) family.metric.push_back(sample(type, value, {}));
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
      const double any = std::uniform_real_distribution(-1.0, 1.0)(random) *
                         std::pow(10, std::uniform_int_distribution(-20, 20)(random));
      family.metric.push_back(sample(type, any, {{"n", std::to_string(i)}}));
      family.metric.push_back(sample(type, std::round(any), {}));
    }
    expect_same({family});
  }
}

TEST(Exposition, LabelsAreEscapedAsTheLibraryEscapesThem) {
  MetricFamily family{"sockward_test", "Two\nlines, a \\ and a \".", MetricType::Gauge, {}};
  for (const char* value : {"", "plain", "\"", "\\", "\n", "a\"b\\c\nd", "\\\\n", "ünï", "end\\"})
    family.metric.push_back(sample(MetricType::Gauge, 1, {{"one", value}, {"two", value}}));
  expect_same({family, MetricFamily{"sockward_empty", "", MetricType::Counter, {}}});
}

TEST(Exposition, HistogramsHaveTheLibrarysForm) {
  MetricFamily family{"sockward_test_seconds", "How long.", MetricType::Histogram, {}};
  for (const bool with_infinity : {false, true}) {
    ClientMetric metric;
    metric.label = {{"kind", "x"}};
    metric.histogram.sample_count = 7;
    metric.histogram.sample_sum = 1.75;
    metric.histogram.bucket = {{1, 0.005}, {3, 1}, {5, 32}};
    if (with_infinity) metric.histogram.bucket.push_back({7, kInfinity});
    family.metric.push_back(metric);
    metric.label.clear();
    family.metric.push_back(metric);
  }
  expect_same({family});
}

}  // namespace
}  // namespace sockward::test
