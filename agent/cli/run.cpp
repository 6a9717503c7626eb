// sockward run: the agent.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "base/version.hpp"
#include "cli/flags.hpp"
#include "cli/observer.hpp"
#include "cli/outputs.hpp"
#include "cli/service_manager.hpp"
#include "cli/web_pages.hpp"
#include "http/web_process.hpp"
#include "probe/statistics.hpp"
#include "prometheus/metrics_page.hpp"
#include "sandbox/privileges.hpp"
#include "sandbox/web_confinement.hpp"

namespace sockward {
namespace {

void check_drops(const Settings& settings) {
  std::vector<std::string_view> names;
  for (const KeptCapability& kept : kept_capabilities())
    if (!kept.required) names.emplace_back(kept.name);
  for (const std::string& name : settings.privileges.drop)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw usage_error(
          fmt::format("privileges.drop: \"{}\" is not kept, or cannot be given up", printable(name).text),
          fmt::format("did you mean {}? docs/security.md lists them", nearest(name, names)));
}

Settings merge(const RunFlags& flags) {
  Settings settings = flags.config_file.empty() ? Settings{} : load_settings(flags.config_file);
  override_settings(settings, flags.probe.settings);
  check_drops(settings);
  return settings;
}

/// What the HTTP handlers need; the parts appear once the probes are attached.
struct Served {
  RecentRecords recent;
  std::atomic<MetricsPage*> metrics{nullptr};
  std::atomic<Observer*> observer{nullptr};
};

HttpResponse not_ready() {
  return {.status = 503, .body = "starting: the probes are not attached yet\n"};
}

HttpResponse render_page(Served& served, const std::string& telemetry_path, const HttpRequest& request) {
  Observer* observer = served.observer;
  if (observer == nullptr) return not_ready();
  PageFacts facts{.uts = {},
                  .container_label = {},
                  .probes = observer->probes->probes(),
                  .coverage = observer->probes->coverage(),
                  .telemetry_path = telemetry_path};
  if (auto uts = observer->probes->read()) facts.uts = std::move(*uts);
  facts.container_label = [observer](std::uint64_t key) {
    const auto known = observer->containers.find(key);
    return known ? known->identity.label() : "~other";
  };
  return diagnoses_page(served.recent, facts, request);
}

std::map<std::string, HttpRoute> routes(Served& served, const Settings& settings) {
  using enum HttpRoute::Access;
  std::map<std::string, HttpRoute> map;
  const std::string& telemetry_path = settings.web.telemetry_path;
  map[telemetry_path] = {guarded, [&served](const HttpRequest&) -> HttpResponse {
                           MetricsPage* page = served.metrics;
                           if (page == nullptr) return not_ready();
                           return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                   .body = page->render()};
                         }};
  map["/-/healthy"] = {open,
                       [](const HttpRequest&) -> HttpResponse { return {.body = "sockward is healthy\n"}; }};
  map["/-/ready"] = {open, [&served](const HttpRequest&) -> HttpResponse {
                       return served.metrics != nullptr ? HttpResponse{.body = "sockward is ready\n"}
                                                        : not_ready();
                     }};
  map["/page.css"] = {open, [](const HttpRequest&) { return page_style(); }};
  map["/page.js"] = {open, [](const HttpRequest&) { return page_script(); }};
  // Without the interface and without users there is nobody to show the diagnoses to.
  const bool shown = settings.web.enable_ui || !settings.web.config_file.empty();
  map["/"] = {guarded, [&served, shown, telemetry_path](const HttpRequest& request) {
                return shown && request.may_see_names ? render_page(served, telemetry_path, request)
                                                      : landing_page(telemetry_path);
              }};
  map["/api/v1/diagnoses"] = {
      personal, [&served](const HttpRequest& request) { return diagnoses_response(served.recent, request); }};
  map["/api/v1/uts-namespaces"] = {
      personal, [&served](const HttpRequest&) {
        Observer* observer = served.observer;
        return observer == nullptr ? not_ready() : uts_response(*observer->probes, observer->containers);
      }};
  return map;
}

void limit_thread(const Settings& settings, bool http) {
  const auto limited = limit_capabilities(settings.privileges.drop, http);
  if (!limited) log_warn("could not drop privileges: {}", limited.error().text());
}

/// Everything is attached: what is needed from now on is little.
void limit_privileges(const Settings& settings) {
  for (const KeptCapability& kept : kept_capabilities())
    if (const auto& drop = settings.privileges.drop;
        std::find(drop.begin(), drop.end(), kept.name) != drop.end())
      log_info("without {}, by privileges.drop: {} is not possible", kept.name, kept.needs);
  limit_thread(settings, false);
  if (!settings.privileges.seccomp) return;
  if (const auto done = forbid_dangerous_calls(); !done)
    log_warn("could not install the seccomp filter: {}", done.error().text());
}

/// The folders that the process that serves HTTP reads: where the web configuration lies, and the files it
/// names.
std::vector<std::string> web_folders(const Settings& settings, WatchedWebConfig* web) {
  if (web == nullptr) return {};
  std::set<std::string> folders;
  const auto add = [&](const std::string& file) {
    if (file.empty()) return;
    for (const auto& path : {std::filesystem::absolute(file), std::filesystem::weakly_canonical(file)})
      folders.insert(path.parent_path());  // a link's own folder, and that of what it leads to
  };
  add(settings.web.config_file);
  if (const auto now = web->now(); now->tls)
    for (const auto& file : {now->tls->cert_file, now->tls->key_file, now->tls->client_ca_file}) add(file);
  return {folders.begin(), folders.end()};
}

WebProcess::Options web_options(const Settings& settings, std::shared_ptr<WatchedWebConfig> web) {
  WebProcess::Options options;
  options.confine = [folders = web_folders(settings, web.get()), seccomp = settings.privileges.seccomp] {
    if (const auto done = confine_web_thread(folders, seccomp); !done)
      throw failure(
          "sockward-web could not drop its privileges: " + done.error().text(),
          done.error().text().find("seccomp") != std::string::npos
              ? "a kernel without seccomp filters needs privileges: {seccomp: false} in the configuration"
              : "let what refuses it, say a container's profile or a security module, allow it");
  };
  options.on_page_thread = [settings] { limit_thread(settings, true); };
  options.http = {.listen = {},
                  .allowed_hosts = settings.web.allowed_hosts,
                  .web = std::move(web),
                  .on_thread = {},
                  .open_ui = settings.web.enable_ui};
  for (const auto& address : settings.web.listen_address)
    options.http.listen.push_back(parse_listen_address(address));
  return options;
}

MetricSources metric_sources(Observer& observer, DiagnosisCounts& diagnoses, DiagnosisCounts& host_renames,
                             const OutputCounts& counts, const std::shared_ptr<WatchedWebConfig>& web,
                             pid_t web_process) {
  return {.kernel = *observer.probes,
          .uts = *observer.probes,
          .agent = observer.stats,
          .diagnoses = diagnoses,
          .host_renames = host_renames,
          .clock = observer.clock,
          .notifications = counts.alerts,
          .sinks = {{"stdout", &counts.standard_output},
                    {"file", &counts.file},
                    {"journald", &counts.journald},
                    {"otlp", &counts.otlp}},
          .web_process = web_process,
          .web_config_good = [web] { return !web || (web->now(), web->good()); },
          .container_label = [&observer](std::uint64_t key) -> std::optional<std::string> {
            const auto known = observer.containers.find(key);
            if (!known) return std::nullopt;
            return known->identity.label();
          },
          .container_exists = [&observer](std::uint64_t key) { return observer.containers.exists(key); }};
}

/// Reads the configuration again when it is asked to or the file has changed, and gives the pipeline new
/// outputs. A file that is broken changes nothing.
class Reloader {
 public:
  Reloader(const RunFlags& flags, Settings settings, Observer& observer, Pipeline& pipeline,
           RecentRecords& recent, OutputCounts& counts, JsonFileSink* file)
      : flags_(flags),
        settings_(std::move(settings)),
        observer_(observer),
        pipeline_(pipeline),
        recent_(recent),
        counts_(counts),
        file_(file),
        seen_(file_fingerprint(flags.config_file)) {}

  void on_hangup() {
    if (file_ != nullptr) file_->reopen();
    if (!flags_.config_file.empty()) reload();
  }

  void look() {
    if (flags_.config_file.empty()) return;
    const std::string now = file_fingerprint(flags_.config_file);
    if (now.empty() || now == seen_) return;
    reload();
  }

 private:
  void reload() {
    seen_ = file_fingerprint(flags_.config_file);
    try {
      Settings wanted = merge(flags_);
      JsonFileSink* file = nullptr;
      auto outputs = make_outputs(wanted, observer_.clock, recent_, counts_, file);
      pipeline_.replace_sinks(std::move(outputs), wanted.records.fold,
                              IgnoredPaths(wanted.records.ignore_paths));
      file_ = file;
      if (const std::string sections = sections_needing_restart(settings_, wanted); !sections.empty())
        log_warn("settings changed but take effect only after a restart: {}", sections);
      observer_.stats.config_good = true;
      log_info("reloaded {}", flags_.config_file);
    } catch (const StartupError& error) {
      observer_.stats.config_good = false;
      log_error("{}; {}; keeping the previous configuration", error.what(), error.next_step());
    }
  }

  const RunFlags& flags_;
  const Settings settings_;  // of the start
  Observer& observer_;
  Pipeline& pipeline_;
  RecentRecords& recent_;
  OutputCounts& counts_;
  JsonFileSink* file_;
  std::string seen_;
};

/// Returns the exit code.
int serve_until_stopped(const StopSignals& signals, Reloader& reloader, Observer& observer,
                        const Pipeline& pipeline, const WebProcess& web, MetricsPage& metrics) {
  constexpr double kBetweenLooks = 1;
  constexpr std::uint64_t kBetweenUpkeepNs = 5'000'000'000;
  std::uint64_t upkeep_ns = 0;
  for (;;) {
    if (const auto now = observer.clock.monotonic().ns; now >= upkeep_ns + kBetweenUpkeepNs) {
      metrics.upkeep();
      upkeep_ns = now;
    }
    if (!web.alive()) {
      log_error("sockward-web exited; stopping and leaving the BPF programs attached for the next agent");
      observer.probes->keep_on_stop();
      return 1;
    }
    if (pipeline.alive()) notify_service_manager("WATCHDOG=1");
    switch (signals.next(kBetweenLooks)) {
      case StopSignals::Came::stop:
        log_info("stopping");
        return 0;
      case StopSignals::Came::hand_over:
        log_info("stopping; leaving the BPF programs attached for the next agent");
        observer.probes->keep_on_stop();
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

}  // namespace

int run_command(const RunFlags& flags) {
  const Settings settings = merge(flags);
  use_one_heap();
  const CgroupMounts mounts = find_cgroup_mounts();
  ProbeOptions options = probe_options(flags.probe, settings, mounts);
  options.pin_path = settings.restart.pin_path.value_or("");
  options.keep_on_stop = settings.restart.keep_on_stop;
  options.source_rate = settings.limits.source_rate;  // trace shows everything
  options.address_rate = settings.limits.address_rate;
  const StopSignals signals;
  const std::shared_ptr<WatchedWebConfig> web =
      settings.web.config_file.empty() ? nullptr
                                       : std::make_shared<WatchedWebConfig>(settings.web.config_file);
  OutputCounts counts;
  Served served{.recent = RecentRecords(this_resource(), command_args(settings.records.command_args))};
  auto server = std::make_unique<WebProcess>(web_options(settings, web), routes(served, settings));
  if (web) web->stay_quiet();
  for (const auto port : server->ports()) log_info("listening on port {}", port);

  const FileDescriptor statistics = flags.bpf_stats ? enable_bpf_statistics() : FileDescriptor();
  Observer observer(options, mounts, settings.limits.walk_bytes);
  limit_privileges(settings);
  DiagnosisCounts diagnoses(settings.metrics.container_name_cap),
      host_renames(settings.metrics.container_name_cap);
  MetricsPage metrics(metric_sources(observer, diagnoses, host_renames, counts, web, server->pid()),
                      {.container_cap = settings.metrics.container_name_cap,
                       .container_ttl = settings.metrics.container_name_ttl,
                       .version = kVersion,
                       .revision = kRevision,
                       .bpf_statistics = flags.bpf_stats});
  JsonFileSink* file = nullptr;
  int code = 0;
  auto outputs = make_outputs(settings, observer.clock, served.recent, counts, file);
  {
    Pipeline pipeline(observer.probes->take_rings(),
                      {observer.host, observer.containers, observer.clock, observer.stats, diagnoses,
                       &host_renames, &observer.probes->ledger()},
                      {.queue_records = settings.limits.queue_records,
                       .history_entries = settings.limits.history_entries,
                       .host_utsns = options.host_utsns,
                       .want_arguments = settings.records.command_args != Settings::Records::Arguments::off,
                       .fold = settings.records.fold,
                       .ignored = IgnoredPaths(settings.records.ignore_paths),
                       .filter = {}},
                      std::move(outputs));
    served.observer = &observer;
    served.metrics = &metrics;
    log_info("{}", observer.attached_text());
    Reloader reloader(flags, settings, observer, pipeline, served.recent, counts, file);
    notify_service_manager("READY=1\nSTATUS=" + observer.attached_text());
    code = serve_until_stopped(signals, reloader, observer, pipeline, *server, metrics);
    notify_service_manager("STOPPING=1");
    server.reset();  // no handler uses the parts below any more
  }
  return code;
}

}  // namespace sockward
