#pragma once
#include <atomic>
#include <cstdint>
#include <span>

#include "prometheus/catalogue.hpp"
#include "prometheus/family_builder.hpp"
#include "prometheus/scrape.hpp"

namespace sockward {

/// One metric: what the catalogue says of it, and where its series come from. A row of a MetricTable.
struct Metric {
  MetricInfo info;
  void (*add_series)(const Scrape& scrape, FamilyBuilder& family);
};

/// The metrics of one subject, in the order in which they are shown.
using MetricTable = std::span<const Metric>;

/// A metric without labels that the agent counts.
template <std::atomic<std::uint64_t> AgentStats::*count>
void agent_count(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.sources.agent.*count);
}

/// A metric without labels that the kernel side counts.
template <std::uint64_t KernelSnapshot::*count>
void kernel_count(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.kernel.*count);
}

}  // namespace sockward
