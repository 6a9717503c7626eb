#pragma once
#include <functional>
#include <string>

#include "app/observer.hpp"
#include "app/outputs.hpp"
#include "config/settings.hpp"
#include "pipeline/pipeline.hpp"

namespace sockward {

/// The configuration file, and how it is read together with the flags.
struct ConfigSource {
  std::string file;                ///< empty: there is none, and nothing is ever reloaded
  std::function<Settings()> read;  ///< throws StartupError
};

/// Reads the configuration again when it is asked to or the file has changed, and gives the pipeline new
/// outputs. A file that is broken changes nothing. Used by the main thread.
class Reloader {
 public:
  /// `at_start`: the settings that the agent started with. The others must outlive it.
  Reloader(ConfigSource source, Settings at_start, Outputs& outputs, Observer& observer, Pipeline& pipeline);

  /// SIGHUP: reloads, and opens records.file again.
  void on_hangup();
  /// Reloads when the file has changed.
  void look();

 private:
  void reload();

  const ConfigSource source_;
  const Settings settings_;  // of the start
  Outputs& outputs_;
  Observer& observer_;
  Pipeline& pipeline_;
  std::string seen_;  // fingerprint of the file
};

}  // namespace sockward
