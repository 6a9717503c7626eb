#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "app/observer.hpp"
#include "config/settings.hpp"
#include "config/web_config.hpp"
#include "http/server.hpp"
#include "http/web_process.hpp"
#include "page/recent_records.hpp"
#include "prometheus/metrics_page.hpp"

namespace sockward {

/// What the HTTP handlers use. The pointers are null until the probes are attached: until then pages answer
/// 503. Set by the main thread, read by the page thread.
struct Served {
  const RecentRecords& recent;
  std::atomic<MetricsPage*> metrics{nullptr};
  std::atomic<Observer*> observer{nullptr};
};

/// The pages by path. `served` must outlive the server.
std::map<std::string, HttpRoute> routes(Served& served, const Settings& settings);

/// How sockward-web listens, what it may read and what is forbidden to it. `web`: null without a web
/// configuration. Throws StartupError (usage).
WebProcess::Options web_options(const Settings& settings, std::shared_ptr<WatchedWebConfig> web);

}  // namespace sockward
