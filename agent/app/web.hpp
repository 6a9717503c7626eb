#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "app/observer.hpp"
#include "app/outputs.hpp"
#include "config/settings.hpp"
#include "config/web_config.hpp"
#include "http/server.hpp"
#include "http/web_process.hpp"
#include "prometheus/metrics_page.hpp"
#include "telemetry/query_stats.hpp"

namespace sockward {

/// What the HTTP handlers use. The pointers are null until the probes are attached: until then pages answer
/// 503. Set by the main thread, read by the page thread.
struct Served {
  const Outputs& outputs;
  std::atomic<MetricsPage*> metrics{nullptr};
  std::atomic<Observer*> observer{nullptr};
};

/// The pages by path. `served` must outlive the server.
std::map<std::string, HttpRoute> routes(Served& served, const Settings& settings);

/// How sockward-web listens, what it may read and what is forbidden to it. `web`: null without a web
/// configuration. Throws StartupError (usage).
WebProcess::Options web_options(const Settings& settings, std::shared_ptr<WatchedWebConfig> web);

/// Lets sockward-web answer at the query socket, too, where the settings ask for it. `stats` lies in memory
/// that both processes share (shared_query_stats()); like `served` it must outlive the process.
void add_query_socket(WebProcess::Options& options, const Settings& settings, Served& served,
                      QueryStats& stats);

/// Counters in memory that a process that is forked later shares. Throws StartupError.
std::shared_ptr<QueryStats> shared_query_stats();

}  // namespace sockward
