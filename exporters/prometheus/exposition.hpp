#pragma once
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

namespace sockward {

/// The families in the text format that Prometheus scrapes (exposition format 0.0.4), byte for byte as
/// prometheus::TextSerializer writes counters, gauges and histograms, without its streams: a scrape of 10,000
/// series is half serializing.
std::string exposition(const std::vector<prometheus::MetricFamily>& families);

}  // namespace sockward
