#include "prometheus/metrics_page.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <mutex>
#include <set>

#include "prometheus/family_builder.hpp"
#include "prometheus/process_metrics.hpp"
#include "record/cause.hpp"

namespace sockward {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

double to_double(std::uint64_t value) {
  return static_cast<double>(value);
}

struct CallSum {
  std::uint64_t ok = 0, errors = 0;
};

CallSum sum_of(const KernelSnapshot::Slots& slots) {
  CallSum sum{.ok = slots[0]};
  for (std::size_t slot = 1; slot < slots.size(); ++slot) sum.errors += slots[slot];
  return sum;
}

prometheus::MetricFamily calls_family(const KernelSnapshot& snapshot) {
  FamilyBuilder family("sockward_calls_total");
  for (std::size_t i = 0; i < kSyscalls; ++i) {
    const auto syscall = static_cast<Syscall>(i);
    for (std::size_t j = 0; j < kFamilies; ++j) {
      const auto kind = static_cast<Family>(j);
      if (!takes_socket(syscall) && kind != Family::none) continue;
      const CallSum sum = sum_of(snapshot.of(syscall, kind));
      if (!counts_only_eloop(syscall))
        family.add({to_string(syscall), to_string(kind), "ok"}, to_double(sum.ok));
      family.add({to_string(syscall), to_string(kind), "error"}, to_double(sum.errors));
    }
  }
  return family.take();
}

/// Failures that alert rules look at: their series exist from the first scrape on, at 0, for the host.
const std::vector<FailureKind>& fixed_failures() {
  static const std::vector<FailureKind> kFixed = [] {
    std::vector<FailureKind> fixed;
    for (const Family family : {Family::unix_, Family::inet, Family::inet6}) {
      for (const int error : {EADDRINUSE, EACCES, EADDRNOTAVAIL, EINVAL, EROFS})
        fixed.push_back({Syscall::bind, family, static_cast<std::uint16_t>(error)});
      for (const int error : {EACCES, ECONNREFUSED, EINVAL, EADDRNOTAVAIL})
        fixed.push_back({Syscall::connect, family, static_cast<std::uint16_t>(error)});
    }
    for (const Syscall unlink : {Syscall::unlink, Syscall::unlinkat})
      for (const int error : {EACCES, EPERM, EROFS})
        fixed.push_back({unlink, Family::none, static_cast<std::uint16_t>(error)});
    for (const Syscall name : {Syscall::sethostname, Syscall::setdomainname})
      for (const int error : {EPERM, EINVAL})
        fixed.push_back({name, Family::none, static_cast<std::uint16_t>(error)});
    for (const Syscall loop : {Syscall::openat2, Syscall::open_tree, Syscall::mount, Syscall::move_mount})
      fixed.push_back({loop, Family::none, ELOOP});
    return fixed;
  }();
  return kFixed;
}

prometheus::MetricFamily errors_family(const FailureSeries::Table& series) {
  FamilyBuilder family("sockward_call_errors_total");
  family.reserve(series.size() + fixed_failures().size());
  const auto add = [&](std::string_view container, FailureKind kind, std::uint64_t count) {
    family.add({to_string(kind.syscall), to_string(kind.family), errno_label(kind.slot), container},
               to_double(count));
  };
  std::map<FailureKind, std::uint64_t> host;
  for (const FailureKind& kind : fixed_failures()) host[kind] = 0;
  for (const auto& [container, kind, count] : series)
    if (container == "host") host[kind] = count;
  for (const auto& [kind, count] : host) add("host", kind, count);
  for (const auto& [container, kind, count] : series)
    if (container != "host") add(container, kind, count);
  return family.take();
}

/// Causes this version can find, with the calls they come from: born at 0 for the host.
struct FixedDiagnosis {
  Cause cause;
  Syscall syscall;
};
constexpr FixedDiagnosis kFixedDiagnoses[] = {{Cause::path_too_long, Syscall::bind},
                                              {Cause::path_too_long, Syscall::connect},
                                              {Cause::path_too_long, Syscall::unlink},
                                              {Cause::path_too_long, Syscall::unlinkat},
                                              {Cause::path_truncated, Syscall::bind},
                                              {Cause::path_truncated, Syscall::connect},
                                              {Cause::path_near_limit, Syscall::bind},
                                              {Cause::path_refused_in_userspace, Syscall::execve},
                                              {Cause::name_stolen, Syscall::bind},
                                              {Cause::privileged_port, Syscall::bind},
                                              {Cause::hostname_changed, Syscall::sethostname},
                                              {Cause::hostname_changed, Syscall::setdomainname},
                                              {Cause::hostname_denied, Syscall::sethostname},
                                              {Cause::hostname_denied, Syscall::setdomainname},
                                              {Cause::hostname_too_long, Syscall::sethostname},
                                              {Cause::hostname_too_long, Syscall::setdomainname},
                                              {Cause::address_in_use, Syscall::bind},
                                              {Cause::abstract_name_collision, Syscall::bind},
                                              {Cause::connection_still_open, Syscall::bind},
                                              {Cause::address_in_time_wait, Syscall::bind},
                                              {Cause::stale_socket, Syscall::bind},
                                              {Cause::stale_socket, Syscall::connect},
                                              {Cause::stale_socket_unremovable, Syscall::bind},
                                              {Cause::path_occupied, Syscall::bind},
                                              {Cause::address_not_local, Syscall::bind},
                                              {Cause::address_not_local, Syscall::connect},
                                              {Cause::ports_exhausted, Syscall::bind},
                                              {Cause::ports_exhausted, Syscall::connect},
                                              {Cause::read_only_filesystem, Syscall::bind},
                                              {Cause::directory_not_writable, Syscall::bind},
                                              {Cause::directory_not_searchable, Syscall::bind},
                                              {Cause::directory_not_searchable, Syscall::connect},
                                              {Cause::socket_permission, Syscall::connect},
                                              {Cause::policy_denied, Syscall::bind},
                                              {Cause::policy_denied, Syscall::connect},
                                              {Cause::symlink_refused, Syscall::openat2},
                                              {Cause::broadcast_denied, Syscall::connect},
                                              {Cause::symlink_loop, Syscall::bind},
                                              {Cause::symlink_loop, Syscall::connect},
                                              {Cause::symlink_loop, Syscall::openat2},
                                              {Cause::path_missing, Syscall::bind},
                                              {Cause::path_missing, Syscall::connect},
                                              {Cause::served_in_other_namespace, Syscall::connect},
                                              {Cause::listens_on_other_address, Syscall::connect},
                                              {Cause::nothing_listens, Syscall::connect},
                                              {Cause::refused_by_peer, Syscall::connect},
                                              {Cause::no_answer, Syscall::connect},
                                              {Cause::unreachable, Syscall::connect},
                                              {Cause::accept_queue_full, Syscall::connect},
                                              {Cause::address_not_ready, Syscall::bind},
                                              {Cause::address_not_ready, Syscall::connect},
                                              {Cause::connection_exists, Syscall::connect},
                                              {Cause::mounted_socket_gone, Syscall::bind},
                                              {Cause::mounted_socket_gone, Syscall::connect},
                                              {Cause::mounted_socket_gone, Syscall::unlink},
                                              {Cause::mounted_socket_gone, Syscall::unlinkat},
                                              {Cause::no_sockets_on_filesystem, Syscall::bind},
                                              {Cause::scope_missing, Syscall::bind},
                                              {Cause::scope_missing, Syscall::connect},
                                              {Cause::unknown, Syscall::bind},
                                              {Cause::unknown, Syscall::connect}};

prometheus::MetricFamily diagnoses_family(const DiagnosisCounts& diagnoses) {
  std::map<DiagnosisCounts::Key, std::uint64_t> counts;
  for (const auto& fixed : kFixedDiagnoses)
    counts[{std::string(to_string(fixed.cause)), fixed.syscall, "host"}] = 0;
  for (const auto& [key, count] : diagnoses.read()) counts[key] = count;
  FamilyBuilder family("sockward_diagnoses_total");
  for (const auto& [key, count] : counts)
    family.add({key.cause, to_string(key.syscall), key.container}, to_double(count));
  return family.take();
}

prometheus::MetricFamily host_renames_family(const DiagnosisCounts& renames) {
  std::map<std::string, std::uint64_t> counts{{"host", 0}};
  for (const auto& [key, count] : renames.read()) counts[key.container] += count;
  FamilyBuilder family("sockward_host_renames_total");
  for (const auto& [container, count] : counts) family.add({container}, to_double(count));
  return family.take();
}

void add_hostname_families(const KernelSnapshot& snapshot, Families& out) {
  static constexpr std::string_view kRoutes[2][2] = {{"sethostname", "setdomainname"}, {"sysctl", "sysctl"}};
  FamilyBuilder changes("sockward_hostname_changes_total");
  for (std::size_t scope = 0; scope < 2; ++scope)
    for (std::size_t via = 0; via < 2; ++via)
      for (std::size_t field = 0; field < 2; ++field)
        changes.add(
            {scope == 1 ? "host" : "container", kRoutes[via][field], field == 1 ? "domainname" : "hostname"},
            to_double(snapshot.hostname_changes[scope][via][field]));
  constexpr std::size_t kCompat = 3;  // calls of 32-bit programs
  for (std::size_t scope = 0; scope < 2; ++scope)
    for (std::size_t field = 0; field < 2; ++field)
      changes.add({scope == 1 ? "host" : "container", "compat", field == 1 ? "domainname" : "hostname"},
                  to_double(snapshot.hostname_changes[scope][kCompat][field]));
  out.push_back(changes.take());
  FamilyBuilder failures("sockward_hostname_change_failures_total");
  const auto& host = snapshot.of(Syscall::sethostname, Family::none);
  const auto& domain = snapshot.of(Syscall::setdomainname, Family::none);
  for (std::size_t slot = 1; slot < kErrnoSlots; ++slot) {
    const std::uint64_t count = host[slot] + domain[slot];
    if (count != 0 || slot == EPERM || slot == EINVAL || slot == EFAULT)
      failures.add({errno_label(slot)}, to_double(count));
  }
  out.push_back(failures.take());
}

void add_name_families(const KernelSnapshot& snapshot, Families& out) {
  out.push_back(FamilyBuilder("sockward_uts_namespaces_created_total")
                    .add({"clone"}, to_double(snapshot.uts_created[0]))
                    .add({"unshare"}, to_double(snapshot.uts_created[1]))
                    .take());
  out.push_back(FamilyBuilder("sockward_names_bound_total")
                    .add({"path"}, to_double(snapshot.names_bound[0]))
                    .add({"other"}, to_double(snapshot.names_bound[1]))
                    .take());
  out.push_back(
      FamilyBuilder("sockward_names_evicted_total").add({}, to_double(snapshot.names_evicted)).take());
  out.push_back(FamilyBuilder("sockward_exec_arguments_unread_total")
                    .add({}, to_double(snapshot.exec_arguments_unread))
                    .take());
}

prometheus::MetricFamily path_bytes_family(const KernelSnapshot& snapshot) {
  static const std::vector<double> kBounds = {16, 32, 64, 80, 92, 100, 104, 107, 108};
  std::vector<std::uint64_t> counts(kBounds.size() + 1);
  for (std::size_t bytes = 0; bytes < snapshot.path_lengths.size(); ++bytes) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && static_cast<double>(bytes) > kBounds[bucket]) ++bucket;
    counts[bucket] += snapshot.path_lengths[bytes];
  }
  return FamilyBuilder("sockward_unix_path_bytes")
      .add_histogram(kBounds, counts, to_double(snapshot.path_length_sum))
      .take();
}

void add_loss_families(const KernelSnapshot& snapshot, const AgentStats& agent, Families& out) {
  out.push_back(
      FamilyBuilder("sockward_events_received_total").add({}, to_double(agent.events_received)).take());
  out.push_back(FamilyBuilder("sockward_events_lost_total")
                    .add({"ring_full"}, to_double(snapshot.ring_full))
                    .add({"queue_full"}, to_double(agent.lost_queue_full))
                    .add({"decode"}, to_double(agent.lost_decode))
                    .add({"output"}, to_double(agent.lost_output))
                    .add({"restart"}, to_double(agent.lost_restart))
                    .take());
  out.push_back(FamilyBuilder("sockward_events_duplicate_total").add({}, to_double(agent.duplicates)).take());
  out.push_back(FamilyBuilder("sockward_events_suppressed_total")
                    .add({}, to_double(snapshot.suppressed + agent.suppressed))
                    .take());
  out.push_back(FamilyBuilder("sockward_source_table_full_total")
                    .add({}, to_double(snapshot.source_table_full))
                    .take());
  out.push_back(FamilyBuilder("sockward_walk_sockets_left_out_total")
                    .add({}, to_double(agent.sockets_left_out))
                    .take());
  out.push_back(
      FamilyBuilder("sockward_lookups_skipped_total").add({}, to_double(agent.look_ups_skipped)).take());
  out.push_back(FamilyBuilder("sockward_lookups_given_up_total")
                    .add({"timeout"}, to_double(agent.look_ups_timed_out))
                    .add({"not_begun"}, to_double(agent.look_ups_not_begun))
                    .take());
  FamilyBuilder forgotten("sockward_history_forgotten_total");
  for (std::size_t kind = 0; kind < kHistoryKinds; ++kind)
    forgotten.add({kHistoryKindNames[kind]}, to_double(agent.history_forgotten[kind]));
  out.push_back(forgotten.take());
}

bool bpf_statistics_on() {
  int on = 0;
  std::ifstream("/proc/sys/kernel/bpf_stats_enabled") >> on;
  return on != 0;
}

void add_program_families(const KernelSource& kernel, bool statistics, Families& out) {
  FamilyBuilder missed("sockward_missed_calls_total"), others("sockward_missed_runs_total"),
      seconds("sockward_bpf_run_seconds_total"), runs("sockward_bpf_runs_total");
  const auto programs = kernel.programs();
  for (const auto& program : programs) {
    (program.counts_calls ? missed : others).add({program.name}, to_double(program.missed));
    seconds.add({program.name}, to_double(program.run_time_ns) / 1e9);
    runs.add({program.name}, to_double(program.run_count));
  }
  out.push_back(missed.take());
  out.push_back(others.take());
  if (!statistics && !bpf_statistics_on()) return;  // the kernel says 0 then: a false zero
  out.push_back(seconds.take());
  out.push_back(runs.take());
}

void add_probe_families(const KernelSource& kernel, Families& out) {
  FamilyBuilder attached("sockward_probe_attached"), coverage("sockward_coverage");
  for (const auto& probe : kernel.probes())
    attached.add({probe.operation, to_string(probe.backend)}, probe.attached ? 1 : 0);
  for (const auto& route : kernel.coverage())
    coverage.add({route.operation, route.route}, route.seen ? 1 : 0);
  out.push_back(attached.take());
  out.push_back(coverage.take());
}

prometheus::MetricFamily latency_family(const AgentStats& agent) {
  const auto view = agent.diagnosis_latency.view();
  return FamilyBuilder("sockward_diagnosis_seconds")
      .add_histogram({LatencyHistogram::kBounds.begin(), LatencyHistogram::kBounds.end()},
                     {view.counts.begin(), view.counts.end()}, view.sum_seconds)
      .take();
}

void add_delivery_families(const MetricSources& sources, Families& out) {
  const DeliveryCounts& alerts = sources.notifications;
  out.push_back(
      FamilyBuilder("sockward_notifications_sent_total").add({}, to_double(alerts.delivered)).take());
  out.push_back(
      FamilyBuilder("sockward_notifications_errors_total").add({}, to_double(alerts.errors)).take());
  out.push_back(
      FamilyBuilder("sockward_notifications_dropped_total").add({}, to_double(alerts.dropped)).take());
  FamilyBuilder delivered("sockward_sink_records_total"), dropped("sockward_sink_dropped_total");
  for (const auto& [name, counts] : sources.sinks) {
    delivered.add({name}, to_double(counts->delivered));
    dropped.add({name}, to_double(counts->dropped));
  }
  out.push_back(delivered.take());
  out.push_back(dropped.take());
}

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

  Families collect() {
    const std::lock_guard lock(mutex_);
    const auto failures = series_.read(sources_.kernel);
    const KernelSnapshot snapshot = sources_.kernel.snapshot();
    Families out;
    out.push_back(calls_family(snapshot));
    out.push_back(errors_family(failures));
    out.push_back(diagnoses_family(sources_.diagnoses));
    add_hostname_families(snapshot, out);
    out.push_back(host_renames_family(sources_.host_renames));
    if (const auto namespaces = sources_.uts.read())
      out.push_back(FamilyBuilder("sockward_uts_namespaces").add({}, to_double(namespaces->size())).take());
    add_name_families(snapshot, out);
    out.push_back(path_bytes_family(snapshot));
    add_loss_families(snapshot, sources_.agent, out);
    add_program_families(sources_.kernel, options_.bpf_statistics, out);
    add_probe_families(sources_.kernel, out);
    out.push_back(FamilyBuilder("sockward_series_overflow_total")
                      .add({}, to_double(series_.overflowed() + sources_.agent.series_overflow))
                      .take());
    out.push_back(latency_family(sources_.agent));
    add_delivery_families(sources_, out);
    out.push_back(FamilyBuilder("sockward_config_last_reload_successful")
                      .add({}, sources_.agent.config_good && sources_.web_config_good() ? 1 : 0)
                      .take());
    out.push_back(FamilyBuilder("sockward_build_info")
                      .add({options_.version, options_.revision, __VERSION__}, 1)
                      .take());
    for (auto& family : process_metrics(sources_.web_process)) out.push_back(std::move(family));
    return out;
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
  return prometheus::TextSerializer().Serialize(collector_->collect());
}

}  // namespace sockward
