// sockward run: the agent.
#include <algorithm>
#include <string_view>

#include "app/application.hpp"
#include "base/memory.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "sandbox/privileges.hpp"

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
  if (!flags.listen_address.empty()) settings.web.listen_address = flags.listen_address;
  if (!flags.allowed_hosts.empty()) settings.web.allowed_hosts = flags.allowed_hosts;
  if (!flags.telemetry_path.empty()) settings.web.telemetry_path = flags.telemetry_path;
  if (!flags.web_config_file.empty()) settings.web.config_file = flags.web_config_file;
  if (!flags.output.empty()) settings.records.output = flags.output;
  if (!flags.pin_path.empty()) settings.restart.pin_path = flags.pin_path;
  settings.restart.keep_on_stop |= flags.keep_on_stop;
  settings.web.enable_ui |= flags.enable_ui;
  validate(settings);
  check_drops(settings);
  return settings;
}

}  // namespace

int run_command(const RunFlags& flags) {
  use_one_heap();
  Application application({.settings = merge(flags),
                           .probe = flags.probe,
                           .bpf_statistics = flags.bpf_stats,
                           .config_file = flags.config_file,
                           .read_settings = [&flags] { return merge(flags); }});
  return application.serve();
}

}  // namespace sockward
