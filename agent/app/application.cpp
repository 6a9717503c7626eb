#include "app/application.hpp"

#include <unistd.h>

#include "app/privileges.hpp"
#include "app/service_manager.hpp"
#include "app/this_host.hpp"
#include "base/log.hpp"
#include "base/version.hpp"
#include "probe/statistics.hpp"

namespace sockward {
namespace {

ProbeOptions loader_options(const ApplicationOptions& options, const CgroupMounts& mounts) {
  const Settings& settings = options.settings;
  ProbeOptions probe = probe_options(options.probe, settings, mounts);
  probe.pin_path = settings.restart.pin_path.value_or("");
  probe.keep_on_stop = settings.restart.keep_on_stop;
  probe.source_rate = settings.limits.source_rate;  // trace shows everything
  probe.address_rate = settings.limits.address_rate;
  return probe;
}

std::shared_ptr<WatchedWebConfig> web_config(const std::string& file) {
  return file.empty() ? nullptr : std::make_shared<WatchedWebConfig>(file);
}

}  // namespace

Application::Application(ApplicationOptions options)
    : options_(std::move(options)),
      mounts_(find_cgroup_mounts()),
      probe_options_(loader_options(options_, mounts_)),
      web_config_(web_config(options_.settings.web.config_file)),
      query_stats_(shared_query_stats()),
      outputs_(options_.settings),
      served_{.outputs = outputs_},
      web_(start_web()),
      statistics_(options_.bpf_statistics ? enable_bpf_statistics() : FileDescriptor()),
      observer_(probe_options_, mounts_, options_.settings),
      diagnoses_(options_.settings.metrics.container_name_cap),
      host_renames_(options_.settings.metrics.container_name_cap),
      metrics_(metric_sources(), {.container_cap = options_.settings.metrics.container_name_cap,
                                  .container_ttl = options_.settings.metrics.container_name_ttl,
                                  .version = kVersion,
                                  .revision = kRevision,
                                  .bpf_statistics = options_.bpf_statistics}) {
  limit_privileges(options_.settings);
  observer_.start();
  auto sinks = outputs_.make(options_.settings, observer_.clock);
  pipeline_.emplace(
      observer_.probes->take_rings(),
      PipelineParts{observer_.host.view(), observer_.host, observer_.containers, observer_.clock,
                    observer_.stats, diagnoses_, &host_renames_, &observer_.probes->ledger()},
      pipeline_options(), std::move(sinks));
  served_.observer = &observer_;
  served_.metrics = &metrics_;
  log_info("{}", observer_.attached_text());
}

std::unique_ptr<WebProcess> Application::start_web() {
  WebProcess::Options options = web_options(options_.settings, web_config_);
  add_query_socket(options, options_.settings, served_, *query_stats_);
  auto web = std::make_unique<WebProcess>(std::move(options), routes(served_, options_.settings));
  if (web_config_) web_config_->stay_quiet();
  for (const auto port : web->ports()) log_info("listening on port {}", port);
  return web;
}

MetricSources Application::metric_sources() {
  return {.kernel = *observer_.probes,
          .uts = *observer_.probes,
          .agent = observer_.stats,
          .diagnoses = diagnoses_,
          .host_renames = host_renames_,
          .clock = observer_.clock,
          .notifications = outputs_.alert_counts(),
          .sinks = outputs_.record_counts(),
          .store = outputs_.store_stats(),
          .queries = *query_stats_,
          .web_process = web_->pid(),
          .web_config_good = [web = web_config_] { return !web || (web->now(), web->good()); },
          .container_label = [this](std::uint64_t key) -> std::optional<std::string> {
            const auto known = observer_.containers.find(key);
            if (!known) return std::nullopt;
            return known->identity.label();
          },
          .container_exists = [this](std::uint64_t key) { return observer_.containers.exists(key); }};
}

PipelineOptions Application::pipeline_options() const {
  const Settings& settings = options_.settings;
  return {.queue_records = settings.limits.queue_records,
          .history_entries = settings.limits.history_entries,
          .host_utsns = probe_options_.host_utsns,
          .resource = this_resource(),
          .want_arguments = settings.records.command_args != CommandArgs::off,
          .fold = settings.records.fold,
          .ignored = IgnoredPaths(settings.records.ignore_paths),
          .filter = {}};
}

int Application::serve() {
  Reloader reloader({options_.config_file, options_.read_settings}, options_.settings, outputs_, observer_,
                    *pipeline_);
  notify_service_manager("READY=1\nSTATUS=" + observer_.attached_text());
  const int code = wait_for_the_end(reloader);
  notify_service_manager("STOPPING=1");
  web_.reset();  // no handler uses the other parts any more
  if (const std::string socket = query_socket(options_.settings); !socket.empty())
    (void)unlink(socket.c_str());
  pipeline_.reset();
  return code;
}

int Application::wait_for_the_end(Reloader& reloader) {
  constexpr double kBetweenLooks = 1;
  constexpr std::uint64_t kBetweenUpkeepNs = 5'000'000'000;
  std::uint64_t upkeep_ns = 0;
  for (;;) {
    if (const auto now = observer_.clock.monotonic().ns; now >= upkeep_ns + kBetweenUpkeepNs) {
      metrics_.upkeep();
      upkeep_ns = now;
    }
    if (!web_->alive()) {
      log_error("sockward-web exited; stopping and leaving the BPF programs attached for the next agent");
      observer_.probes->keep_on_stop();
      return 1;
    }
    if (pipeline_->alive()) notify_service_manager("WATCHDOG=1");
    switch (signals_.next(kBetweenLooks)) {
      case StopSignals::Came::stop:
        log_info("stopping");
        return 0;
      case StopSignals::Came::hand_over:
        log_info("stopping; leaving the BPF programs attached for the next agent");
        observer_.probes->keep_on_stop();
        return 0;
      case StopSignals::Came::hangup:
        reloader.on_hangup();
        break;
      case StopSignals::Came::nothing:
        reloader.look();
        break;
    }
  }
}

}  // namespace sockward
