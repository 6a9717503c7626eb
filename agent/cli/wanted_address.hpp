#pragma once
#include <string>

#include "event/event.hpp"

namespace sockward {

/// A call as somebody writes it down.
struct WantedAddress {
  SocketCall call;
  /// The name behind the % of a link-local address, to be looked up in the call's network namespace. Empty:
  /// there is none, or it is a number and in call.address.scope.
  std::string interface;
};

/// Takes addresses as records print them, and a few more: `unix:/path`, `unix:name` (relative),
/// `unix:./@name`, `unix:@name` (abstract), each with \xNN for bytes; `tcp:HOST:PORT` and `udp:HOST:PORT`,
/// where HOST is a number, a name, `[v6]`, `[v6%INTERFACE]` or `*`; `IP:PORT`, which means TCP. Fills
/// address, length, family, type and protocol. Throws StartupError (usage) that says what is wrong and how it
/// is written.
WantedAddress parse_wanted_address(const std::string& text);

}  // namespace sockward
