#pragma once
#include <string>

#include "event/event.hpp"

namespace sockward {

/// A call as somebody writes it down: `unix:/path`, `unix:name` (relative), `unix:@name` (abstract; \xNN for
/// bytes), `tcp:HOST:PORT`, `udp:HOST:PORT`. HOST: a number, a name, `[v6]`, or `*`. Fills address, length,
/// family, type and protocol. Throws StartupError (usage) that shows what was wrong and how it is written.
SocketCall parse_wanted_address(const std::string& text);

}  // namespace sockward
