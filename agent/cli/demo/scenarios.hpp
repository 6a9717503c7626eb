#pragma once
#include <span>
#include <string>

namespace sockward {

/// One failure that the demo makes happen for real.
struct Scenario {
  const char* cause;                        ///< what the agent will say
  const char* what;                         ///< for the person who watches
  bool (*play)(const std::string& folder);  ///< in a process of its own; true: it happened
};
std::span<const Scenario> scenarios();

/// Binds the first 108 bytes of a longer path, as node up to 22 does.
bool bind_truncated(const std::string& path);
/// Gives up every privilege of this process. Defined beside the command.
bool become_nobody();

}  // namespace sockward
