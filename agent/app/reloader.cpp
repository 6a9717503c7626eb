#include "app/reloader.hpp"

#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "config/web_config.hpp"
#include "pipeline/ignored_paths.hpp"

namespace sockward {
namespace {

/// Sections that only a new start can change: they are in the kernel or in open sockets by now.
std::string unchangeable(const Settings& now, const Settings& wanted) {
  std::string sections;
  const auto add = [&](bool same, const char* name) {
    if (!same) sections += (sections.empty() ? "" : ", ") + std::string(name);
  };
  add(now.probes == wanted.probes, "probes");
  add(now.names == wanted.names, "names");
  add(now.limits == wanted.limits, "limits");
  add(now.metrics == wanted.metrics, "metrics");
  add(now.privileges == wanted.privileges, "privileges");
  add(now.restart == wanted.restart, "restart");
  add(now.web == wanted.web, "web");
  add(now.host == wanted.host, "host");
  return sections;
}

}  // namespace

Reloader::Reloader(ConfigSource source, Settings now, Outputs& outputs, Observer& observer,
                   Pipeline& pipeline)
    : source_(std::move(source)),
      settings_(std::move(now)),
      outputs_(outputs),
      observer_(observer),
      pipeline_(pipeline),
      seen_(file_fingerprint(source_.file)) {}

void Reloader::on_hangup() {
  outputs_.reopen_file();
  if (!source_.file.empty()) reload();
}

void Reloader::look() {
  if (source_.file.empty()) return;
  const std::string now = file_fingerprint(source_.file);
  if (now.empty() || now == seen_) return;
  reload();
}

void Reloader::reload() {
  seen_ = file_fingerprint(source_.file);
  try {
    const Settings wanted = source_.read();
    pipeline_.replace_sinks(outputs_.make(wanted, observer_.clock), wanted.records.fold,
                            IgnoredPaths(wanted.records.ignore_paths));
    if (const std::string sections = unchangeable(settings_, wanted); !sections.empty())
      log_warn("settings changed but take effect only after a restart: {}", sections);
    settings_.records = wanted.records;
    settings_.alerts = wanted.alerts;
    settings_.otlp = wanted.otlp;
    observer_.stats.config_good = true;
    log_info("reloaded {}", source_.file);
  } catch (const StartupError& error) {
    observer_.stats.config_good = false;
    log_error("{}; {}; keeping the previous configuration", error.what(), error.next_step());
  }
}

}  // namespace sockward
