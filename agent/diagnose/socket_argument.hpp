#pragma once
#include <optional>
#include <string>

#include "event/event.hpp"

namespace sockward {

/// The socket path within an argument, if it is one that does not fit (more than 107 bytes): plain, behind
/// `path=`, `unix:`, `unix://`, `-S`, or the value of an option that speaks of a socket. nullopt: a file name
/// that merely is long, a script, or a name that fits. Pure; any bytes are safe.
std::optional<std::string> overlong_socket_path(const LongArgument& argument);

}  // namespace sockward
