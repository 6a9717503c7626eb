#pragma once
#include <cstdint>

#include "base/result.hpp"
#include "host/network/network_view.hpp"

namespace sockward {

/// A question to the routing table.
struct Destination {
  SocketAddress address;     ///< inet or inet6; an IPv4-mapped one is asked about as IPv4, as the kernel does
  std::uint32_t device = 0;  ///< index of the interface that the socket is bound to; 0: none
  std::uint32_t uid = 0;     ///< of the socket: rules may go by it (ip-rule(8), uidrange)
};

/// Asks the routing table of a network namespace (an open /proc/pid/ns/net) about a destination, as `ip route
/// get` does (rtnetlink(7), RTM_GETROUTE), and the neighbour table about the next hop (RTM_GETNEIGH, since
/// 5.0). The scope of an IPv6 address chooses the interface. Waits for an answer 200 ms at most. Error: it
/// could not be asked.
Result<Route> ask_route(int netns, const Destination& to);

}  // namespace sockward
