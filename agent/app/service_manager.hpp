#pragma once
#include <string>

namespace sockward {

/// Tells the service manager (sd_notify(3)); does nothing where there is none. "READY=1", "STOPPING=1",
/// "WATCHDOG=1", "STATUS=…".
void notify_service_manager(const std::string& state);

}  // namespace sockward
