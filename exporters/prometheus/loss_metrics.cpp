#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

void add_lost(const Scrape& scrape, FamilyBuilder& family) {
  const AgentStats& agent = scrape.sources.agent;
  family.count({"ring_full"}, scrape.kernel.ring_full)
      .count({"queue_full"}, agent.lost_queue_full)
      .count({"decode"}, agent.lost_decode)
      .count({"output"}, agent.lost_output)
      .count({"restart"}, agent.lost_restart);
}

void add_suppressed(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.kernel.suppressed + scrape.sources.agent.suppressed);
}

void add_overflow(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.folded_containers + scrape.sources.agent.series_overflow);
}

void add_given_up(const Scrape& scrape, FamilyBuilder& family) {
  family.count({"timeout"}, scrape.sources.agent.look_ups_timed_out)
      .count({"not_begun"}, scrape.sources.agent.look_ups_not_begun);
}

void add_audit_lost(const Scrape& scrape, FamilyBuilder& family) {
  for (std::size_t loss = 0; loss < kAuditLosses; ++loss)
    family.count({kAuditLossNames[loss]}, scrape.sources.agent.audit_lost[loss]);
}

void add_forgotten(const Scrape& scrape, FamilyBuilder& family) {
  for (std::size_t kind = 0; kind < kHistoryKinds; ++kind)
    family.count({kHistoryKindNames[kind]}, scrape.sources.agent.history_forgotten[kind]);
}

using enum MetricType;

constexpr Metric kRecords[] = {
    {{"sockward_events_received_total", counter, "", "Records taken from the ring buffer.", true},
     agent_count<&AgentStats::events_received>},
    {{"sockward_events_lost_total", counter, "reason",
      "Records lost: ring_full (in the kernel), queue_full (the agent was behind), decode, "
      "output (a sink could not write), "
      "restart (taken by a previous agent that died before it wrote them).",
      true},
     add_lost},
    {{"sockward_events_duplicate_total", counter, "",
      "Duplicate records that the previous agent had already written; dropped.", true},
     agent_count<&AgentStats::duplicates>},
    {{"sockward_events_suppressed_total", counter, "",
      "Records suppressed in the kernel during a storm, folded into others as repeats, "
      "or left out by records.ignore_paths.",
      true},
     add_suppressed},
};

constexpr Metric kOverflow[] = {
    {{"sockward_series_overflow_total", counter, "",
      "Containers aggregated into ~other because the cap on container_name was reached.", true},
     add_overflow},
};

constexpr Metric kLimits[] = {
    {{"sockward_source_table_full_total", counter, "",
      "Failures counted without their container because the kernel's table was full.", true},
     kernel_count<&KernelSnapshot::source_table_full>},
    {{"sockward_connects_untracked_total", counter, "",
      "TCP connects whose end was not followed because too many were pending: "
      "they are missing in sockward_connections_total.",
      true},
     kernel_count<&KernelSnapshot::connects_untracked>},
    {{"sockward_walk_sockets_left_out_total", counter, "",
      "Open sockets omitted from socket scans because limits.walk_bytes was reached. "
      "They cannot be identified as holders, and their absence proves nothing.",
      true},
     agent_count<&AgentStats::sockets_left_out>},
    {{"sockward_lookups_skipped_total", counter, "",
      "Events whose diagnosis went without a look-up (of open sockets, processes, mounts or /proc/net) "
      "because the CPU budget (a tenth of a core) was exhausted: "
      "causes that rest on it are likely at most. "
      "Requests for a host name over the system bus that were passed over count as well.",
      true},
     agent_count<&AgentStats::look_ups_skipped>},
    {{"sockward_lookups_given_up_total", counter, "reason",
      "File look-ups abandoned after half a second (timeout: the file system does not answer), "
      "or not begun because eight hang or no thread could be started (not_begun). "
      "Causes that rest on them are likely at most.",
      true},
     add_given_up},
    {{"sockward_audit_lost_total", counter, "reason",
      "Audit messages of AppArmor and SELinux lost: overrun (the kernel had no room for them; times), "
      "full (dropped before a record could ask), malformed. "
      "Without them policy_denied is likely at most, or does not say who refused.",
      true},
     add_audit_lost},
    {{"sockward_history_forgotten_total", counter, "kind",
      "Events of the last minute (name_change, failed_unlink, long_argument, process_end) "
      "evicted because limits.history_entries was reached: later diagnoses cannot refer to them.",
      true},
     add_forgotten},
};

}  // namespace

MetricTable record_metrics() {
  return kRecords;
}

MetricTable overflow_metrics() {
  return kOverflow;
}

MetricTable limit_metrics() {
  return kLimits;
}

}  // namespace sockward
