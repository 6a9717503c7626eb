#pragma once
#include "config/settings.hpp"

namespace sockward {

/// Drops the capabilities that this thread and those it will start need no more; `http`: all that serving
/// pages does not need. Logs what could not be done.
void limit_thread(const Settings& settings, bool http);

/// Everything is attached: from now on little is needed. Drops capabilities and forbids system calls.
void limit_privileges(const Settings& settings);

}  // namespace sockward
