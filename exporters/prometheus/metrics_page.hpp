#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "delivery/delivery_counts.hpp"
#include "prometheus/failure_series.hpp"
#include "telemetry/agent_stats.hpp"
#include "telemetry/diagnosis_counts.hpp"
#include "telemetry/kernel_counters.hpp"
#include "telemetry/query_stats.hpp"
#include "telemetry/store_stats.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// Where the numbers come from. All must outlive the page.
struct MetricSources {
  KernelSource& kernel;
  const UtsNames& uts;
  AgentStats& agent;
  DiagnosisCounts& diagnoses;
  DiagnosisCounts& host_renames;
  const Clock& clock;
  const DeliveryCounts& notifications;                               ///< alerts that are pushed
  std::vector<std::pair<std::string, const DeliveryCounts*>> sinks;  ///< by name
  const StoreStats& store;
  const QueryStats& queries;
  pid_t web_process = -1;                 ///< the process that serves HTTP
  std::function<bool()> web_config_good;  ///< the latest read of web.config_file worked
  FailureSeries::LabelOf container_label;
  FailureSeries::Exists container_exists;
};

struct MetricOptions {
  std::size_t container_cap = 200;
  std::chrono::seconds container_ttl{600};
  std::string version, revision;
  bool bpf_statistics = false;  ///< this process keeps the kernel's BPF statistics on
};

/// The text of /metrics (exposition format 0.0.4). Thread-safe: scrapes wait for each other and for upkeep.
class MetricsPage {
 public:
  MetricsPage(MetricSources sources, MetricOptions options);
  ~MetricsPage();
  std::string render();
  /// Looks which containers are new and which are gone; call it every few seconds, scraped or not.
  void upkeep();

 private:
  class Collector;
  std::unique_ptr<Collector> collector_;
};

}  // namespace sockward
