#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

void add_latency(const Scrape& scrape, FamilyBuilder& family) {
  const auto view = scrape.sources.agent.diagnosis_latency.view();
  family.add_histogram({LatencyHistogram::kBounds.begin(), LatencyHistogram::kBounds.end()},
                       {view.counts.begin(), view.counts.end()}, view.sum_seconds);
}

template <std::atomic<std::uint64_t> DeliveryCounts::*count>
void alert_count(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.sources.notifications.*count);
}

template <std::atomic<std::uint64_t> DeliveryCounts::*count>
void sink_count(const Scrape& scrape, FamilyBuilder& family) {
  for (const auto& [name, counts] : scrape.sources.sinks) family.count({name}, counts->*count);
}

void event_losses(const Scrape& scrape, FamilyBuilder& family) {
  for (const auto& [name, counts] : scrape.sources.sinks) {
    if (name != "kubernetes") continue;
    for (std::size_t i = 0; i < kEventLossCount; ++i)
      family.count({kEventLosses[i]}, counts->event_losses[i]);
  }
}

using enum MetricType;

constexpr Metric kDelivery[] = {
    {{"sockward_diagnosis_seconds", histogram, "",
      "Time from the end of a call until its record is handed to the sinks.", true},
     add_latency},
    {{"sockward_notifications_sent_total", counter, "",
      "Alerts accepted by an Alertmanager; "
      "counted again for each Alertmanager and each time they are resent.",
      true},
     alert_count<&DeliveryCounts::delivered>},
    {{"sockward_notifications_errors_total", counter, "",
      "Alerts in requests that failed; they are resent while they are held.", true},
     alert_count<&DeliveryCounts::errors>},
    {{"sockward_notifications_dropped_total", counter, "",
      "Alerts dropped: refused by an Alertmanager, or over the limit of 1000 at a time.", true},
     alert_count<&DeliveryCounts::dropped>},
    {{"sockward_sink_records_total", counter, "sink", "Records delivered by a sink.", true},
     sink_count<&DeliveryCounts::delivered>},
    {{"sockward_sink_dropped_total", counter, "sink",
      "Records dropped by a sink: its queue or the disk was full, or the other side refused them.", true},
     sink_count<&DeliveryCounts::dropped>},
    {{"sockward_sink_suppressed_total", counter, "sink",
      "Records that a sink left out: the journal had as many of one unit as limits.journal_rate allows, or "
      "there were as many Events as kubernetes.pod_rate and kubernetes.node_rate allow.",
      true},
     sink_count<&DeliveryCounts::suppressed>},
    {{"sockward_pod_events_lost_total", counter, "reason",
      "Records about pods that became no Event on the pod and no part of the series of one: rate (left "
      "out by kubernetes.pod_rate or kubernetes.node_rate), full (over the limit of 1000 at a time), late "
      "(the API could not be reached for an hour), forbidden, gone (the namespace), refused (by the API), "
      "unnamed (the names of the pod were not known), stopped (the agent stopped first). Their sum is "
      "what the sink kubernetes dropped and suppressed.",
      true},
     event_losses},
};

}  // namespace

MetricTable delivery_metrics() {
  return kDelivery;
}

}  // namespace sockward
