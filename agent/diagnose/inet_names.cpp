// Which internet addresses are in each other's way.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "diagnose/holding.hpp"

namespace sockward {

bool is_unspecified(const SocketAddress& address) {
  return std::all_of(address.ip.begin(), address.ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_limited_broadcast(const SocketAddress& address) {
  return address.kind == AddressKind::inet && std::all_of(address.ip.begin(), address.ip.begin() + 4,
                                                          [](std::uint8_t byte) { return byte == 0xFF; });
}

bool is_loopback(const SocketAddress& address) {
  const SocketAddress plain = unmapped(address);
  if (plain.kind == AddressKind::inet) return plain.ip[0] == 127;
  static constexpr std::array<std::uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return plain.kind == AddressKind::inet6 && plain.ip == kLoopback;
}

bool is_link_local(const SocketAddress& address) {
  return address.kind == AddressKind::inet6 && address.ip[0] == 0xFE && (address.ip[1] & 0xC0) == 0x80;
}

bool needs_port_privilege(const SocketCall& call) {
  return call.address.port != 0 && call.address.port < call.port_start;
}

SocketAddress unmapped(SocketAddress address) {
  static constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (address.kind != AddressKind::inet6 || std::memcmp(address.ip.data(), kPrefix, sizeof(kPrefix)) != 0)
    return address;
  SocketAddress plain{.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = address.port};
  std::copy_n(address.ip.begin() + 12, 4, plain.ip.begin());
  return plain;
}

std::uint16_t port_protocol(std::uint16_t protocol) {
  constexpr std::uint16_t kTcp = 6, kMptcp = 262;  // include/uapi/linux/in.h
  return protocol == kMptcp ? kTcp : protocol;
}

BoundName name_of_call(const SocketCall& call) {
  BoundName name{.netns = call.socket_netns, .address = call.address};
  name.address.truncated = false;
  name.address.scope = 0;
  if (call.address.is_inet()) {
    name.kind = BoundName::Kind::inet;
    name.protocol = port_protocol(call.protocol);
  } else if (call.address.family == AF_NETLINK && call.address.kind == AddressKind::other) {
    name.kind = BoundName::Kind::netlink;
    name.protocol = call.protocol;
  } else {
    name.kind = BoundName::Kind::abstract;
  }
  return name;
}

bool covers(const OpenSocket& bound, const SocketAddress& address) {
  const SocketAddress one = unmapped(bound.name.address), other = unmapped(address);
  if (one.kind == other.kind) return is_unspecified(one) || one.ip == other.ip;
  return one.kind == AddressKind::inet6 && is_unspecified(one) && !bound.owner.traits.v6only;
}

bool conflicts(const OpenSocket& held, const SocketCall& wanted) {
  const BoundName& name = held.name;
  if (name.kind != BoundName::Kind::inet || name.netns != wanted.socket_netns ||
      port_protocol(name.protocol) != port_protocol(wanted.protocol) ||
      name.address.port != wanted.address.port)
    return false;
  if (held.owner.traits.bound_device != 0 && wanted.bound_device != 0 &&
      held.owner.traits.bound_device != wanted.bound_device)
    return false;
  if (held.owner.traits.reuseport && wanted.reuseport && held.owner.traits.socket_uid == wanted.socket_uid)
    return false;
  if (held.owner.traits.reuseaddr && wanted.reuseaddr && held.state != OpenSocket::State::listening)
    return false;
  const SocketAddress one = unmapped(name.address), other = unmapped(wanted.address);
  if (one.kind == other.kind) return is_unspecified(one) || is_unspecified(other) || one.ip == other.ip;
  // IPv4 beside IPv6: only an unspecified IPv6 address reaches over, and only without IPV6_V6ONLY.
  return one.kind == AddressKind::inet6 ? is_unspecified(one) && !held.owner.traits.v6only
                                        : is_unspecified(other) && !wanted.v6only;
}

}  // namespace sockward
