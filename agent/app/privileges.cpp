#include "app/privileges.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "sandbox/privileges.hpp"

namespace sockward {

void limit_thread(const Settings& settings, bool http) {
  const auto limited = limit_capabilities(settings.privileges.drop, http);
  if (!limited) log_warn("could not drop privileges: {}", limited.error().text());
}

void limit_privileges(const Settings& settings) {
  for (const KeptCapability& kept : kept_capabilities())
    if (const auto& drop = settings.privileges.drop;
        std::find(drop.begin(), drop.end(), kept.name) != drop.end())
      log_info("without {}, by privileges.drop: {} is not possible", kept.name, kept.needs);
  limit_thread(settings, false);
  if (!settings.privileges.seccomp) return;
  if (const auto done = forbid_dangerous_calls(); !done)
    log_warn("could not install the seccomp filter: {}", done.error().text());
}

}  // namespace sockward
