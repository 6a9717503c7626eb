#pragma once
#include <optional>
#include <string>

#include "record/resource.hpp"
#include "terminal/terminal_text.hpp"

namespace sockward {

/// What an agent in a pid namespace of its own cannot see; nullopt: it lives in the host's.
std::optional<std::string> pid_namespace_limit();

/// Why no path can be looked up here; nullopt: they can.
std::optional<std::string> path_lookup_limit();

/// terminal_style(), with the names of this host's users.
TerminalStyle host_terminal_style(int fd);

/// What records say about this host, as it is now.
Resource this_resource();

}  // namespace sockward
