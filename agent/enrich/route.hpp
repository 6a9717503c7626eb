#pragma once
#include <cstdint>

#include "base/result.hpp"
#include "event/socket_address.hpp"

namespace sockward {

/// Asks the routing table of a network namespace (an open /proc/pid/ns/net) about a destination, as `ip route
/// get` does (rtnetlink(7), RTM_GETROUTE). Returns 0, or the errno of the route: EACCES of a prohibit route,
/// EINVAL of a blackhole. Waits 200 ms at most. Error: it could not be asked.
Result<int> ask_route(int netns, const SocketAddress& to, std::uint32_t uid);

}  // namespace sockward
