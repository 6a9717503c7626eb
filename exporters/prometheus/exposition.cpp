#include "prometheus/exposition.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

namespace sockward {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

/// Whole numbers up to this are written without loss, and as "%.16g" writes them.
constexpr double kWhole = 1e15;

class Text {
 public:
  void add(std::string_view text) { text_ += text; }
  void add_all(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) text_ += part;
  }

  void add_label_value(std::string_view value) {
    for (std::size_t start = 0;;) {
      const std::size_t special = value.find_first_of("\n\\\"", start);
      text_ += value.substr(start, special - start);
      if (special == std::string_view::npos) return;
      text_ += '\\';
      text_ += value[special] == '\n' ? 'n' : value[special];
      start = special + 1;
    }
  }

  void add(std::uint64_t number) {
    char digits[20];
    text_.append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
  }

  void add(double number) {
    if (std::isnan(number)) return add("Nan");
    if (std::isinf(number)) return add(number < 0 ? "-Inf" : "+Inf");
    if (number >= 0 && number < kWhole && number == std::floor(number) && !std::signbit(number))
      return add(static_cast<std::uint64_t>(number));
    char digits[32];  // 16 digits, sign, point and exponent
    text_.append(digits,
                 std::to_chars(digits, digits + sizeof(digits), number, std::chars_format::general, 16).ptr);
  }

  std::string take() { return std::move(text_); }
  void reserve(std::size_t bytes) { text_.reserve(bytes); }

 private:
  std::string text_;
};

/// Name and labels; with `bound`, the label le of a histogram's bucket.
void add_head(Text& text, const std::string& name, const ClientMetric& metric, std::string_view suffix,
              const double* bound = nullptr) {
  text.add(name);
  text.add(suffix);
  char before = '{';
  for (const auto& label : metric.label) {
    text.add(std::string_view(&before, 1));
    text.add(label.name);
    text.add("=\"");
    text.add_label_value(label.value);
    text.add("\"");
    before = ',';
  }
  if (bound != nullptr) {
    text.add(std::string_view(&before, 1));
    text.add("le=\"");
    text.add(*bound);
    text.add("\"");
    before = ',';
  }
  text.add(before == ',' ? "} " : " ");
}

template <typename Number>
void add_sample(Text& text, const std::string& name, const ClientMetric& metric, std::string_view suffix,
                Number value) {
  add_head(text, name, metric, suffix);
  text.add(value);
  text.add("\n");
}

void add_histogram(Text& text, const std::string& name, const ClientMetric& metric) {
  const auto& histogram = metric.histogram;
  add_sample(text, name, metric, "_count", histogram.sample_count);
  add_sample(text, name, metric, "_sum", histogram.sample_sum);
  const auto add_bucket = [&](double bound, std::uint64_t count) {
    add_head(text, name, metric, "_bucket", &bound);
    text.add(count);
    text.add("\n");
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double last = -kInfinity;
  for (const auto& bucket : histogram.bucket) {
    last = bucket.upper_bound;
    add_bucket(last, bucket.cumulative_count);
  }
  if (last != kInfinity) add_bucket(kInfinity, histogram.sample_count);
}

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
    default:
      return "untyped";  // no metric of ours is one
  }
}

}  // namespace

std::string exposition(const std::vector<prometheus::MetricFamily>& families) {
  constexpr std::size_t kUsualLine = 128;
  std::size_t samples = 0;
  for (const auto& family : families) samples += family.metric.size();
  Text text;
  text.reserve(samples * kUsualLine);
  for (const auto& family : families) {
    if (!family.help.empty()) text.add_all({"# HELP ", family.name, " ", family.help, "\n"});
    text.add_all({"# TYPE ", family.name, " ", name_of(family.type), "\n"});
    for (const ClientMetric& metric : family.metric) {
      if (family.type == MetricType::Histogram)
        add_histogram(text, family.name, metric);
      else
        add_sample(text, family.name, metric, "",
                   family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value);
    }
  }
  return text.take();
}

}  // namespace sockward
