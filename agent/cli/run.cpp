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
  override_settings(settings, flags.probe.settings);
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
