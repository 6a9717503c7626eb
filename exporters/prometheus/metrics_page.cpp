#include "prometheus/metrics_page.hpp"

#include <mutex>

#include "prometheus/exposition.hpp"
#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

using Table = MetricTable (*)();

// In the order of the page.
constexpr Table kTables[] = {
    call_metrics,        diagnosis_metrics, hostname_change_metrics, hostname_failure_metrics,
    host_rename_metrics, name_metrics,      record_metrics,          limit_metrics,
    missed_run_metrics,  run_time_metrics,  probe_metrics,           overflow_metrics,
    delivery_metrics,    store_metrics,     configuration_metrics,   process_metrics,
};

}  // namespace

class MetricsPage::Collector {
 public:
  Collector(MetricSources sources, MetricOptions options)
      : sources_(std::move(sources)),
        options_(std::move(options)),
        series_(options_.container_cap, options_.container_ttl, sources_.container_label,
                sources_.container_exists) {}

  void upkeep() {
    const std::lock_guard lock(mutex_);
    const std::chrono::nanoseconds now(sources_.clock.monotonic().ns);
    for (const auto& container :
         series_.upkeep(sources_.kernel, std::chrono::duration_cast<std::chrono::seconds>(now))) {
      sources_.diagnoses.forget(container);
      sources_.host_renames.forget(container);
    }
  }

  std::vector<prometheus::MetricFamily> collect() {
    const std::lock_guard lock(mutex_);
    const FailureCounters counters = read_counters(sources_.kernel);
    const Scrape scrape{.sources = sources_,
                        .options = options_,
                        .kernel = counters.all,
                        .failures = series_.read(counters),
                        .folded_containers = series_.overflowed(),
                        .programs = sources_.kernel.programs()};
    std::vector<prometheus::MetricFamily> families;
    for (const Table table : kTables)
      for (const Metric& metric : table()) {
        FamilyBuilder family(metric.info);
        metric.add_series(scrape, family);
        if (metric.info.always || !family.empty()) families.push_back(family.take());
      }
    return families;
  }

 private:
  std::mutex mutex_;
  MetricSources sources_;
  MetricOptions options_;
  FailureSeries series_;
};

MetricsPage::MetricsPage(MetricSources sources, MetricOptions options)
    : collector_(std::make_unique<Collector>(std::move(sources), std::move(options))) {}

MetricsPage::~MetricsPage() = default;

void MetricsPage::upkeep() {
  collector_->upkeep();
}

std::string MetricsPage::render() {
  return exposition(collector_->collect());
}

}  // namespace sockward
