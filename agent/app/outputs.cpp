#include "app/outputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "alertmanager/alert_sink.hpp"
#include "app/this_host.hpp"
#include "base/startup_error.hpp"
#include "journald/journald_sink.hpp"
#include "jsonl/jsonl_sink.hpp"
#include "kubernetes/event_sink.hpp"
#include "otlp/otlp_sink.hpp"
#include "record/cause.hpp"
#include "store/store_reader.hpp"
#include "terminal/terminal_sink.hpp"

namespace sockward {
namespace {

/// Counts what gets to standard output.
class CountedSink final : public Sink {
 public:
  CountedSink(std::unique_ptr<Sink> sink, DeliveryCounts& counts) : sink_(std::move(sink)), counts_(counts) {}
  bool write(const Record& record) override {
    const bool taken = sink_->write(record);
    if (taken)
      ++taken_;
    else
      ++counts_.dropped;
    return taken;
  }
  std::uint64_t flush() override {
    const std::uint64_t lost = sink_->flush();
    counts_.dropped += lost;
    counts_.delivered += std::exchange(taken_, 0) - lost;
    return lost;
  }

 private:
  std::unique_ptr<Sink> sink_;
  DeliveryCounts& counts_;
  std::uint64_t taken_ = 0;  // since the last flush
};

/// Hands records to a sink that outlives it.
class SharedSink final : public Sink {
 public:
  explicit SharedSink(Sink& sink) : sink_(sink) {}
  bool write(const Record& record) override { return sink_.write(record); }
  std::uint64_t flush() override { return sink_.flush(); }

 private:
  Sink& sink_;
};

/// The same, to one that lives as long as somebody has it.
class KeptSink final : public Sink {
 public:
  explicit KeptSink(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  bool write(const Record& record) override { return sink_->write(record); }
  std::uint64_t flush() override { return sink_->flush(); }

 private:
  std::shared_ptr<Sink> sink_;
};

HttpTarget target_of(const std::string& url, const Settings::Access& access) {
  return {.url = url,
          .username = access.username,
          .password_file = access.password_file,
          .bearer_token_file = access.bearer_token_file,
          .ca_file = access.ca_file,
          .cert_file = access.cert_file,
          .key_file = access.key_file,
          .headers = {}};
}

AlertOptions alert_options(const Settings& settings) {
  AlertOptions options{.targets = {},
                       .times = {.hold = settings.alerts.hold, .resend = settings.alerts.resend},
                       .identity = {},
                       .least = settings.alerts.min_severity,
                       .causes = {}};
  for (const auto& url : settings.alerts.alertmanagers)
    options.targets.push_back(target_of(url, settings.alerts.access));
  for (const auto& cause : settings.alerts.causes) {
    const auto all = all_causes();
    if (std::none_of(all.begin(), all.end(), [&](Cause known) { return to_string(known) == cause; }))
      throw usage_error("alerts.causes: there is no cause \"" + cause + "\"", "see docs/diagnoses");
    options.causes.insert(cause);
  }
  const Resource resource = this_resource();
  options.identity.labels = {{"job", "sockward"}};
  if (!settings.web.listen_address.empty())
    options.identity.labels["instance"] = settings.web.listen_address.front();
  if (!resource.host_id.empty()) options.identity.labels["host_id"] = resource.host_id;
  for (const auto& [name, value] : settings.alerts.labels) options.identity.labels[name] = value;
  options.identity.generator_url = settings.web.external_url;
  return options;
}

bool writes_to_journal(const Settings& settings) {
  using enum Settings::Records::Journald;
  return settings.records.journald == on || (settings.records.journald == automatic && stdout_is_journal());
}

std::unique_ptr<Sink> make_standard_output(const Settings& settings, DeliveryCounts& counts) {
  using enum Settings::Records::Output;
  const auto output = settings.records.output;
  if (output == off) return nullptr;
  if (output == automatic && stdout_is_journal() && writes_to_journal(settings)) return nullptr;
  std::unique_ptr<Sink> sink;
  if (output == text || (output == automatic && isatty(STDOUT_FILENO) == 1))
    sink = std::make_unique<TerminalSink>(STDOUT_FILENO, host_terminal_style(STDOUT_FILENO));
  else
    sink = std::make_unique<JsonLinesSink>(STDOUT_FILENO, settings.records.command_args);
  return std::make_unique<CountedSink>(std::move(sink), counts);
}

std::unique_ptr<Sink> make_file(const Settings& settings, DeliveryCounts& counts) {
  const auto& records = settings.records;
  if (records.file.empty()) return nullptr;
  const FileLimits limits{.largest_bytes = records.file_max_bytes, .kept = records.file_keep};
  return std::make_unique<JsonFileSink>(records.file, limits, records.command_args, counts);
}

std::unique_ptr<Sink> make_journald(const Settings& settings, DeliveryCounts& counts) {
  if (!writes_to_journal(settings)) return nullptr;
  return std::make_unique<JournaldSink>(settings.records.command_args, settings.limits.journal_rate, counts);
}

std::unique_ptr<Sink> make_otlp(const Settings& settings, DeliveryCounts& counts) {
  if (settings.otlp.url.empty()) return nullptr;
  return std::make_unique<OtlpSink>(target_of(settings.otlp.url, settings.otlp.access),
                                    settings.records.command_args, counts);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets one
  return value == nullptr ? "" : value;
}

/// Where the kubelet tells every pod that the API is.
std::string api_of_pod() {
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  if (host.empty())
    throw usage_error("kubernetes.events: $KUBERNETES_SERVICE_HOST is not set",
                      "run the agent in a pod (packaging/kubernetes/events), or set kubernetes.api_url");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  const bool colons = host.find(':') != std::string::npos;
  return "https://" + (colons ? "[" + host + "]" : host) + ":" + (port.empty() ? "443" : port);
}

std::unique_ptr<Sink> make_kubernetes(const Settings& settings, DeliveryCounts& counts) {
  const auto& kubernetes = settings.kubernetes;
  if (!kubernetes.events) return nullptr;
  EventOptions options{.api = {.url = kubernetes.api_url.empty() ? api_of_pod() : kubernetes.api_url,
                               .bearer_token_file = kubernetes.token_file,
                               .ca_file = kubernetes.ca_file},
                       .rates = {.pod = kubernetes.pod_rate, .node = kubernetes.node_rate},
                       .least = kubernetes.min_severity,
                       .node = environment("NODE_NAME")};
  return std::make_unique<EventSink>(std::move(options), counts);
}

/// What writes records somewhere, by the `sink` label of its metrics. make() returns null where the settings
/// do not ask for it.
struct RecordOutput {
  std::string_view name;
  std::unique_ptr<Sink> (*make)(const Settings& settings, DeliveryCounts& counts);
};
constexpr RecordOutput kRecordOutputs[] = {{"stdout", make_standard_output},
                                           {"file", make_file},
                                           {"journald", make_journald},
                                           {"otlp", make_otlp},
                                           {"kubernetes", make_kubernetes}};

}  // namespace

Outputs::Outputs(const Settings& settings) : latest_records_(settings.records.command_args) {
  for (const RecordOutput& output : kRecordOutputs) counts_.try_emplace(output.name);
}

std::vector<std::unique_ptr<Sink>> Outputs::make(const Settings& settings, const Clock& clock) {
  std::vector<std::unique_ptr<Sink>> sinks;
  // Alerts first: a person waits for them.
  if (!settings.alerts.alertmanagers.empty())
    sinks.push_back(std::make_unique<AlertSink>(alert_options(settings), clock, alert_counts_));
  for (const RecordOutput& output : kRecordOutputs)
    if (auto sink = output.make(settings, counts_.at(output.name))) sinks.push_back(std::move(sink));
  auto store = make_store(settings);
  const bool is_shown = settings.web.enable_ui || !settings.web.config_file.empty();
  if (is_shown || (!store && !query_socket(settings).empty()))
    sinks.push_back(std::make_unique<SharedSink>(latest_records_));
  if (store) sinks.push_back(std::make_unique<KeptSink>(std::move(store)));
  latest_records_.show_arguments(settings.records.command_args);
  latest_.clear();
  for (const auto& sink : sinks) latest_.push_back(sink.get());
  return sinks;
}

/// The one there is goes on where a reload changes nothing of it. Null: none is asked for.
std::shared_ptr<Sink> Outputs::make_store(const Settings& settings) {
  const auto& records = settings.records;
  const StoreOptions options{
      .path = store_path(settings),
      .limits = {.largest_bytes = records.store_max_bytes, .longest = records.store_max_age},
      .arguments = records.command_args};
  auto store = store_;
  if (options.path.empty())
    store.reset();
  else if (!store || !(store->options() == options))
    store = std::make_shared<StoreSink>(options, store_stats_);
  const std::lock_guard lock(store_mutex_);
  store_path_ = options.path;
  store_ = std::move(store);
  return store_;
}

Result<Answer> Outputs::answer(const Query& query, const char*& source) const {
  std::unique_lock lock(store_mutex_);
  const std::string path = store_path_;
  const std::shared_ptr<StoreSink> sink = store_;
  lock.unlock();
  const StoreReader store(path);
  const RecordSource& from = path.empty() ? static_cast<const RecordSource&>(latest_records_) : store;
  source = from.name();
  auto answer = from.answer(query);
  if (!answer && sink && is_damage(answer.error())) sink->check_again();
  return answer;
}

void Outputs::reopen_files() {
  for (Sink* sink : latest_) sink->reopen();
}

std::vector<std::pair<std::string, const DeliveryCounts*>> Outputs::record_counts() const {
  std::vector<std::pair<std::string, const DeliveryCounts*>> result;
  for (const RecordOutput& output : kRecordOutputs)
    result.emplace_back(output.name, &counts_.at(output.name));
  return result;
}

}  // namespace sockward
