// Calls on internet addresses: bind as net/ipv4/af_inet.c and net/ipv6/af_inet6.c check it, connect as
// net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c and their like for UDP.
#include <fmt/format.h>
#include <linux/capability.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/attempt.hpp"
#include "diagnose/capabilities.hpp"
#include "diagnose/served.hpp"

namespace sockward::prediction {
namespace {

bool is_native_v6(const SocketAddress& address) {
  return address.kind == AddressKind::inet6 && unmapped(address).kind == AddressKind::inet6;
}

/// 224.0.0.0/4 and ff00::/8.
bool is_multicast(const SocketAddress& address) {
  const SocketAddress plain = unmapped(address);
  return plain.kind == AddressKind::inet ? (plain.ip[0] & 0xF0) == 0xE0 : plain.ip[0] == 0xFF;
}

/// Until an interface gets its first IPv4 address, the kernel takes each for its own (__inet_dev_addr_type).
bool has_no_v4_table(const Result<std::vector<NetworkInterface>>& interfaces) {
  const auto is_v4 = [](const InterfaceAddress& one) { return one.address.kind == AddressKind::inet; };
  return interfaces && !interfaces->empty() &&
         std::none_of(interfaces->begin(), interfaces->end(), [&](const NetworkInterface& one) {
           return std::any_of(one.addresses.begin(), one.addresses.end(), is_v4);
         });
}

std::string missing_v6_address(const std::vector<NetworkInterface>& interfaces, const SocketCall& call) {
  for (const NetworkInterface& one : interfaces) {
    const std::string name = printable(one.name).text;
    for (const InterfaceAddress& owned : one.addresses) {
      if (owned.address.kind != AddressKind::inet6 || owned.address.ip != call.address.ip) continue;
      if (owned.duplicate) return fmt::format("{} has it, but another host on the link has it too", name);
      if (owned.tentative) return fmt::format("{} has it, but duplicate address detection still runs", name);
      return fmt::format("{} has it, not the interface that the address names", name);
    }
    if (one.loopback && is_loopback(call.address) && one.ipv6_disabled) return "IPv6 is disabled on " + name;
    if (one.loopback && is_loopback(call.address) && !one.up) return name + " is down";
  }
  return fmt::format("no interface of network namespace {} has it", call.socket_netns);
}

bool is_usable_v6(const InterfaceAddress& owned) {
  return owned.address.kind == AddressKind::inet6 && !owned.tentative && !owned.duplicate;
}

/// As the kernel side tells it of a refused bind (bpf/core/inet6.bpf.h).
SocketCall::AddressState state_of(const std::vector<NetworkInterface>& interfaces, const SocketCall& call) {
  using State = SocketCall::AddressState;
  for (const NetworkInterface& one : interfaces)
    for (const InterfaceAddress& owned : one.addresses) {
      if (owned.address.kind != AddressKind::inet6 || owned.address.ip != call.address.ip) continue;
      if (owned.duplicate) return State::duplicate;
      if (owned.tentative) return State::tentative;
    }
  return State::unknown;
}

/// Packets to any address of this host go through it.
bool loopback_is_down(const Result<std::vector<NetworkInterface>>& interfaces) {
  return interfaces && std::any_of(interfaces->begin(), interfaces->end(),
                                   [](const NetworkInterface& one) { return one.loopback && !one.up; });
}

SocketAddress loopback_of(const SocketAddress& unspecified) {
  SocketAddress address = unspecified;
  if (unmapped(address).kind == AddressKind::inet) {
    address = unmapped(address);
    address.ip[0] = 127, address.ip[3] = 1;
  } else {
    address.ip[15] = 1;
  }
  return address;
}

}  // namespace

// --- bind of an internet address -------------------------------------------------------------------------

std::optional<Prediction> Attempt::port_privilege() const {
  if (!needs_port_privilege(call_)) return std::nullopt;
  if (authority_of(facts_.event.actor, CAP_NET_BIND_SERVICE, call_.owner_userns) == Authority::yes)
    return std::nullopt;
  return fails(EACCES, fmt::format("port {} is below {}", call_.address.port, call_.port_start));
}

/// inet_addr_valid_or_nonlocal().
std::optional<Prediction> Attempt::own_address() const {
  const SocketAddress plain = unmapped(call_.address);
  if (is_unspecified(plain)) return std::nullopt;
  if (is_native_v6(call_.address)) return own_v6_address();
  if (is_multicast(plain) || is_limited_broadcast(plain) || around_.nonlocal_bind) return std::nullopt;
  if (has_no_v4_table(facts_.interfaces())) return std::nullopt;
  const auto& route = facts_.route();
  if (route && !route->local && !route->broadcast)
    return fails(EADDRNOTAVAIL, fmt::format("no interface of {} that is up has {}", network(), ip()));
  return std::nullopt;
}

/// __inet6_bind() and ipv6_chk_addr().
std::optional<Prediction> Attempt::own_v6_address() const {
  const SocketAddress& address = call_.address;
  const std::uint32_t device = address.scope != 0 ? address.scope : call_.bound_device;
  if (is_link_local(address) && device == 0)
    return fails(EINVAL, ip() + " is a link-local address: it needs an interface");
  const auto& interfaces = facts_.interfaces();
  if (!interfaces) return std::nullopt;
  const bool exists = std::any_of(interfaces->begin(), interfaces->end(),
                                  [&](const NetworkInterface& one) { return one.index == device; });
  if (device != 0 && !exists) return fails(ENODEV, fmt::format("{} has no interface {}", network(), device));
  if (is_multicast(address) || around_.nonlocal_bind6) return std::nullopt;
  for (const NetworkInterface& one : *interfaces) {
    if (is_link_local(address) && one.index != device) continue;
    for (const InterfaceAddress& owned : one.addresses)
      if (is_usable_v6(owned) && owned.address.ip == address.ip) return std::nullopt;
  }
  Prediction refused = fails(EADDRNOTAVAIL, ip() + ": " + missing_v6_address(*interfaces, call_));
  refused.address_state = state_of(*interfaces, call_);
  return refused;
}

/// Those that no process has open any more (TIME_WAIT and the like). Which address each has is not known, so
/// only a wildcard meets them all.
std::optional<Prediction> Attempt::connections_left_behind(Prediction& otherwise) const {
  if (!is_tcp()) return std::nullopt;
  const auto& uses = facts_.port_uses();
  if (!uses) {
    otherwise.unknown.push_back("closed connections on the port were not looked at: " + uses.error().text());
    return std::nullopt;
  }
  const auto closing = std::count_if(uses->begin(), uses->end(),
                                     [](const PortUse& use) { return use.state != PortUse::State::bound; });
  if (closing == 0) return std::nullopt;
  const std::string keep = fmt::format("{} closed connection{} still use{} the port (TIME_WAIT)", closing,
                                       closing == 1 ? "" : "s", closing == 1 ? "s" : "");
  if (is_unspecified(unmapped(call_.address)))
    return fails(EADDRINUSE, keep + "; SO_REUSEADDR on both sockets would allow it");
  otherwise.unknown.push_back(keep +
                              ": if one of them is on this address, bind fails with EADDRINUSE "
                              "unless SO_REUSEADDR is set on both sockets");
  return std::nullopt;
}

/// Sockets that share a port with SO_REUSEADDR or SO_REUSEPORT are not assumed.
Prediction Attempt::port_holders() const {
  if (call_.address.port == 0) return nothing_prevents("the kernel chooses a free port");
  const Holding& holding = facts_.holding();
  const auto in_the_way = [&](const OpenSocket& socket) { return conflicts(socket, call_); };
  const Sockets holders = with_unowned(holding.open, in_the_way);
  if (!holders.empty())
    return fails(EADDRINUSE, fmt::format("{} {}", who(holders.front()), state_text(holders.front().state)));
  Prediction free = nothing_prevents(
      fmt::format("no socket that can be seen has port {} in {}", call_.address.port, network()));
  if (!holding.obstacle.empty()) free = not_known("who has the port: " + holding.obstacle);
  if (auto kept = connections_left_behind(free)) return *kept;
  return free;
}

/// IPv4 looks at the address first, IPv6 at the privilege.
Prediction Attempt::bind_inet() const {
  const bool v6 = call_.address.kind == AddressKind::inet6;
  if (v6 && is_native_v6(call_.address) && is_multicast(call_.address) && is_tcp())
    return fails(EINVAL, "a TCP socket cannot be bound to a multicast address");
  if (v6)
    if (auto refused = port_privilege()) return *refused;
  if (auto refused = own_address()) return *refused;
  if (auto refused = port_privilege()) return *refused;
  return port_holders();
}

// --- connect to an internet address ----------------------------------------------------------------------

/// What tcp_v6_connect() and ip6_dst_lookup_tail() check before the route: the interface, and an address of
/// our own to send from.
std::optional<Prediction> Attempt::unusable_v6_destination() const {
  const SocketAddress& address = call_.address;
  if (!is_native_v6(address)) return std::nullopt;
  if (is_multicast(address) && is_tcp()) return fails(ENETUNREACH, ip() + " is a multicast address");
  if (is_link_local(address) && address.scope == 0 && call_.bound_device == 0)
    return fails(EINVAL, ip() + " is a link-local address: it needs an interface");
  const auto& interfaces = facts_.interfaces();
  if (!interfaces) return std::nullopt;
  for (const NetworkInterface& one : *interfaces)
    if (std::any_of(one.addresses.begin(), one.addresses.end(), is_usable_v6)) return std::nullopt;
  const std::string why = is_loopback(address) ? ": " + missing_v6_address(*interfaces, call_) : "";
  return fails(EADDRNOTAVAIL, fmt::format("{} has no IPv6 address to connect from{}", network(), why));
}

/// `local`: does the destination belong to this network namespace?
std::optional<Prediction> Attempt::unreachable(bool& local) const {
  const SocketAddress plain = unmapped(call_.address);
  if (is_unspecified(plain)) return std::nullopt;  // the kernel takes the loopback address instead
  const auto& route = facts_.route();
  if (!route) return not_known("the routing table could not be queried: " + route.error().text());
  if (route->error != 0)
    return fails(route->error, fmt::format("the routing table has no usable route to {} ({})", ip(),
                                           errno_name(route->error).value_or("an error")));
  local = route->local;
  if (plain.kind != AddressKind::inet) return std::nullopt;
  const bool broadcast = route->broadcast || is_limited_broadcast(plain);
  if (is_tcp() && (is_multicast(plain) || broadcast))
    return fails(ENETUNREACH, "TCP does not connect to " + ip());
  if (broadcast) return fails(EACCES, "the socket needs SO_BROADCAST to use " + ip());
  return std::nullopt;
}

Prediction Attempt::listener_at(const SocketAddress& destination) const {
  SocketCall reached = call_;
  reached.address = destination;
  std::optional<OpenSocket> listener = listener_for(facts_, reached);
  if (!listener)
    for (OpenSocket& socket : with_unowned({}, [&](const OpenSocket& one) {
           return one.name.kind == BoundName::Kind::inet && one.state == OpenSocket::State::listening &&
                  one.name.netns == call_.socket_netns && one.name.address.port == destination.port &&
                  port_protocol(one.name.protocol) == IPPROTO_TCP && covers(one, destination);
         }))
      listener = std::move(socket);
  if (listener) {
    Prediction works = nothing_prevents(who(*listener) + " listens there");
    works.unknown.emplace_back("packet filters, and whether the server has room for the connection");
    return works;
  }
  const ScanFact& scan = facts_.scan();
  if (!scan.after_call) return not_known("who listens there: " + scan.obstacle);
  const auto others = listeners_elsewhere(facts_, reached);
  if (others.empty()) return fails(ECONNREFUSED, "no socket listens there");
  return fails(ECONNREFUSED, fmt::format("no socket listens there; {} listens on {}",
                                         owner_text(others.front().owner), name_text(others.front())));
}

Prediction Attempt::connect_inet() const {
  if (auto refused = unusable_v6_destination()) return *refused;
  bool local = true;
  if (auto refused = unreachable(local)) return *refused;
  if (!local)
    return {.because = {"there is a route to " + ip()},
            .unknown = {"what is on the way, and what the other side answers"}};
  if (!is_tcp()) return nothing_prevents("UDP connects to any address of this host");
  if (loopback_is_down(facts_.interfaces()))
    return not_known("whether an answer comes: the loopback interface is down, and packets to it are lost");
  const bool unspecified = is_unspecified(unmapped(call_.address));
  return listener_at(unspecified ? loopback_of(call_.address) : call_.address);
}

}  // namespace sockward::prediction
