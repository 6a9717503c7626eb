// sockward run: the agent.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>

#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "base/version.hpp"
#include "cli/flags.hpp"
#include "cli/observer.hpp"
#include "cli/web_pages.hpp"
#include "http/server.hpp"
#include "jsonl/jsonl_sink.hpp"
#include "probe/statistics.hpp"
#include "prometheus/metrics_page.hpp"
#include "terminal/terminal_sink.hpp"

namespace sockward {
namespace {

Settings merge(const RunFlags& flags) {
  Settings settings = flags.config_file.empty() ? Settings{} : load_settings(flags.config_file);
  if (!flags.listen_address.empty()) settings.web.listen_address = flags.listen_address;
  if (!flags.allowed_hosts.empty()) settings.web.allowed_hosts = flags.allowed_hosts;
  if (!flags.telemetry_path.empty()) settings.web.telemetry_path = flags.telemetry_path;
  if (!flags.output.empty()) settings.records.output = flags.output;
  settings.web.enable_ui |= flags.enable_ui;
  validate(settings);
  return settings;
}

CommandArgs command_args(const std::string& name) {
  return name == "full" ? CommandArgs::full : name == "program" ? CommandArgs::program : CommandArgs::off;
}

FileDescriptor open_record_file(const std::string& path) {
  if (path.empty()) return {};
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file.valid())
    throw failure(last_error("open records.file " + path).text(), "check the folder and its permissions");
  return file;
}

std::vector<std::unique_ptr<Sink>> make_sinks(const Settings& settings, int file, RecentRecords& recent) {
  std::vector<std::unique_ptr<Sink>> sinks;
  const CommandArgs arguments = command_args(settings.records.command_args);
  const std::string& output = settings.records.output;
  const bool text = output == "text" || (output == "auto" && isatty(STDOUT_FILENO) == 1);
  if (text)
    sinks.push_back(std::make_unique<TerminalSink>(STDOUT_FILENO, terminal_style(STDOUT_FILENO)));
  else if (output != "off")
    sinks.push_back(std::make_unique<JsonLinesSink>(STDOUT_FILENO, this_resource(), arguments));
  if (file >= 0) sinks.push_back(std::make_unique<JsonLinesSink>(file, this_resource(), arguments));
  if (settings.web.enable_ui) sinks.push_back(std::make_unique<SharedSink>(recent));
  return sinks;
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

std::map<std::string, HttpHandler> routes(Served& served, const Settings& settings) {
  std::map<std::string, HttpHandler> map;
  map[settings.web.telemetry_path] = [&served](const HttpRequest&) -> HttpResponse {
    MetricsPage* page = served.metrics;
    if (page == nullptr) return not_ready();
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = page->render()};
  };
  map["/-/healthy"] = [](const HttpRequest&) -> HttpResponse { return {.body = "sockward is healthy\n"}; };
  map["/-/ready"] = [&served](const HttpRequest&) -> HttpResponse {
    return served.metrics != nullptr ? HttpResponse{.body = "sockward is ready\n"} : not_ready();
  };
  if (!settings.web.enable_ui) {
    map["/"] = [path = settings.web.telemetry_path](const HttpRequest&) { return landing_page(path); };
    return map;
  }
  map["/"] = [&served](const HttpRequest&) { return diagnoses_page(served.recent); };
  map["/api/v1/diagnoses"] = [&served](const HttpRequest& request) {
    return diagnoses_response(served.recent, request);
  };
  map["/api/v1/uts-namespaces"] = [&served](const HttpRequest&) {
    Observer* observer = served.observer;
    return observer == nullptr ? not_ready() : uts_response(*observer->probes, observer->containers);
  };
  return map;
}

HttpOptions http_options(const Settings& settings) {
  HttpOptions options{.listen = {}, .allowed_hosts = settings.web.allowed_hosts};
  for (const auto& address : settings.web.listen_address)
    options.listen.push_back(parse_listen_address(address));
  return options;
}

MetricSources metric_sources(Observer& observer, DiagnosisCounts& diagnoses) {
  return {.kernel = *observer.probes,
          .uts = *observer.probes,
          .agent = observer.stats,
          .diagnoses = diagnoses,
          .clock = observer.clock,
          .container_label = [&observer](std::uint64_t key) -> std::optional<std::string> {
            const auto known = observer.containers.find(key);
            if (!known) return std::nullopt;
            return known->identity.label();
          },
          .container_exists = [&observer](std::uint64_t key) { return observer.containers.exists(key); }};
}

}  // namespace

int run_command(const RunFlags& flags) {
  const Settings settings = merge(flags);
  const CgroupMounts mounts = find_cgroup_mounts();
  const ProbeOptions options = probe_options(flags.probe, settings, mounts);
  const StopSignals signals;
  const FileDescriptor record_file = open_record_file(settings.records.file);
  Served served{.recent = RecentRecords(this_resource(), command_args(settings.records.command_args))};
  auto server = std::make_unique<HttpServer>(http_options(settings), routes(served, settings));
  for (const auto port : server->ports()) log_info("listening on port {}", port);

  const FileDescriptor statistics = flags.bpf_stats ? enable_bpf_statistics() : FileDescriptor();
  Observer observer(options, mounts);
  DiagnosisCounts diagnoses(settings.metrics.container_name_cap);
  MetricsPage metrics(metric_sources(observer, diagnoses),
                      {.container_cap = settings.metrics.container_name_cap,
                       .container_ttl = settings.metrics.container_name_ttl,
                       .version = kVersion,
                       .revision = kRevision,
                       .bpf_statistics = flags.bpf_stats});
  {
    const Pipeline pipeline(observer.probes->ring_fd(),
                            {observer.host, observer.containers, observer.clock, observer.stats, diagnoses},
                            {.queue_records = settings.limits.queue_records,
                             .host_utsns = options.host_utsns,
                             .want_arguments = settings.records.command_args != "off",
                             .fold = settings.records.fold,
                             .filter = {}},
                            make_sinks(settings, record_file.get(), served.recent));
    served.observer = &observer;
    served.metrics = &metrics;
    log_info("{}", observer.attached_text());
    signals.wait(0);
    log_info("stopping");
    server.reset();  // no handler uses the parts below any more
  }
  return 0;
}

}  // namespace sockward
