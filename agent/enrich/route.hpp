#pragma once
#include <cstdint>

#include "base/result.hpp"
#include "enrich/host_view.hpp"

namespace sockward {

/// Asks the routing table of a network namespace (an open /proc/pid/ns/net) about a destination, as `ip route
/// get` does (rtnetlink(7), RTM_GETROUTE). Waits 200 ms at most. Error: it could not be asked.
Result<Route> ask_route(int netns, const SocketAddress& to, std::uint32_t uid);

}  // namespace sockward
