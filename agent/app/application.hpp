#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/observer.hpp"
#include "app/outputs.hpp"
#include "app/probe_settings.hpp"
#include "app/reloader.hpp"
#include "app/stop_signals.hpp"
#include "app/web.hpp"
#include "base/file_descriptor.hpp"
#include "config/settings.hpp"
#include "http/web_process.hpp"
#include "pipeline/pipeline.hpp"
#include "prometheus/metrics_page.hpp"
#include "telemetry/diagnosis_counts.hpp"

namespace sockward {

struct ApplicationOptions {
  Settings settings;
  ProbeFlags probe;
  bool bpf_statistics = false;              ///< keep the kernel's BPF statistics on
  std::string config_file;                  ///< watched for changes; empty: none
  std::function<Settings()> read_settings;  ///< the file with the flags, again; throws StartupError
};

/// The agent: every part, in the order in which they are built; they go in the opposite order. HTTP comes
/// first, as it forks and answers while the probes are being attached; privileges are dropped before the
/// pipeline's threads start.
class Application {
 public:
  /// Attaches the probes and starts. Throws StartupError.
  explicit Application(ApplicationOptions options);
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Works until a signal or the end of sockward-web. Returns the exit code.
  int serve();

 private:
  std::unique_ptr<WebProcess> start_web();
  MetricSources metric_sources();
  PipelineOptions pipeline_options() const;
  int wait_for_the_end(Reloader& reloader);

  const ApplicationOptions options_;
  const CgroupMounts mounts_;
  const ProbeOptions probe_options_;
  const StopSignals signals_;
  const std::shared_ptr<WatchedWebConfig> web_config_;  // null: there is none
  const std::shared_ptr<QueryStats> query_stats_;
  Outputs outputs_;
  Served served_;
  std::unique_ptr<WebProcess> web_;
  const FileDescriptor statistics_;
  Observer observer_;
  DiagnosisCounts diagnoses_, host_renames_;
  MetricsPage metrics_;
  std::optional<Pipeline> pipeline_;
};

}  // namespace sockward
