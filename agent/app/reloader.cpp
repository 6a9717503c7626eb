#include "app/reloader.hpp"

#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "config/web_config.hpp"
#include "pipeline/ignored_paths.hpp"

namespace sockward {
Reloader::Reloader(ConfigSource source, Settings at_start, Outputs& outputs, Observer& observer,
                   Pipeline& pipeline)
    : source_(std::move(source)),
      settings_(std::move(at_start)),
      outputs_(outputs),
      observer_(observer),
      pipeline_(pipeline),
      seen_(file_fingerprint(source_.file)) {}

void Reloader::on_hangup() {
  outputs_.reopen_files();
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
    pipeline_.replace_sinks({.sinks = outputs_.make(wanted, observer_.clock),
                             .want_arguments = wanted.records.command_args != CommandArgs::off,
                             .fold = wanted.records.fold,
                             .ignored = IgnoredPaths(wanted.records.ignore_paths)});
    if (const std::string sections = sections_needing_restart(settings_, wanted); !sections.empty())
      log_warn("settings changed but take effect only after a restart: {}", sections);
    observer_.stats.config_good = true;
    log_info("reloaded {}", source_.file);
  } catch (const StartupError& error) {
    observer_.stats.config_good = false;
    log_error("{}; {}; keeping the previous configuration", error.what(), error.next_step());
  }
}

}  // namespace sockward
