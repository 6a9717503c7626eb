#include "host/network/route.hpp"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "host/in_namespace.hpp"
#include "host/network/netlink.hpp"

namespace sockward {
namespace {

constexpr std::chrono::milliseconds kTimeout{200};
constexpr std::size_t kMapped = 12;  // bytes before the IPv4 address in ::ffff:a.b.c.d

std::size_t bytes_of(const SocketAddress& address) {
  return address.kind == AddressKind::inet ? 4 : 16;
}

std::uint8_t family_of(const SocketAddress& address) {
  return address.kind == AddressKind::inet ? AF_INET : AF_INET6;
}

SocketAddress to_address(std::uint16_t family, const void* bytes) {
  SocketAddress address{
      .kind = family == AF_INET ? AddressKind::inet : AddressKind::inet6, .family = family, .name = {}};
  std::memcpy(address.ip.data(), bytes, bytes_of(address));
  return address;
}

SocketAddress unmapped(const SocketAddress& address) {
  constexpr std::uint8_t kPrefix[kMapped] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (address.kind != AddressKind::inet6 || !std::equal(kPrefix, kPrefix + kMapped, address.ip.begin()))
    return address;
  return to_address(AF_INET, address.ip.data() + kMapped);
}

void write_route_question(void* buffer, const Destination& to) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer);
  header->nlmsg_type = RTM_GETROUTE;
  header->nlmsg_flags = NLM_F_REQUEST;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));
  route->rtm_family = family_of(to.address);
  route->rtm_dst_len = static_cast<std::uint8_t>(8 * bytes_of(to.address));
  mnl_attr_put(header, RTA_DST, bytes_of(to.address), to.address.ip.data());
  const std::uint32_t device = to.device != 0 ? to.device : to.address.scope;
  if (device != 0) mnl_attr_put_u32(header, RTA_OIF, device);
  mnl_attr_put_u32(header, RTA_UID, to.uid);
}

std::string interface_name(std::uint32_t index) {
  char name[IF_NAMESIZE] = "";
  return index != 0 && if_indextoname(index, name) != nullptr ? name : "";
}

Route to_route(const nlmsghdr* message) {
  Route found{.interface_name = {}, .gateway = {}};
  if (mnl_nlmsg_get_payload_len(message) < sizeof(rtmsg)) return found;
  const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  found.local = route->rtm_type == RTN_LOCAL;
  found.broadcast = route->rtm_type == RTN_BROADCAST;
  const std::size_t bytes = route->rtm_family == AF_INET ? 4 : 16;
  for_each_attribute(message, sizeof(rtmsg), [&](const nlattr* attribute) {
    const auto type = mnl_attr_get_type(attribute);
    const std::size_t length = mnl_attr_get_payload_len(attribute);
    if (type == RTA_OIF && length >= sizeof(std::uint32_t)) found.interface = mnl_attr_get_u32(attribute);
    if (type == RTA_GATEWAY && length >= bytes)
      found.gateway = to_address(route->rtm_family, mnl_attr_get_payload(attribute));
    // An IPv4 route by an IPv6 gateway (struct rtvia, include/uapi/linux/rtnetlink.h).
    if (type == RTA_VIA && length >= sizeof(rtvia) + 16) {
      const auto* via = static_cast<const rtvia*>(mnl_attr_get_payload(attribute));
      if (via->rtvia_family == AF_INET6) found.gateway = to_address(AF_INET6, via->rtvia_addr);
    }
  });
  return found;
}

/// include/uapi/linux/neighbour.h: what is not reachable now but was (STALE) has answered.
Route::Neighbour to_neighbour(std::uint16_t state) {
  constexpr std::uint16_t kFailed = NUD_FAILED | NUD_INCOMPLETE;
  constexpr std::uint16_t kAnswering =
      NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
  if ((state & kFailed) != 0) return Route::Neighbour::failed;
  return (state & kAnswering) != 0 ? Route::Neighbour::answering : Route::Neighbour::unknown;
}

Route::Neighbour ask_neighbour(Netlink& netlink, const SocketAddress& next_hop, std::uint32_t interface) {
  const auto write = [&](void* buffer) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = RTM_GETNEIGH;
    header->nlmsg_flags = NLM_F_REQUEST;
    auto* neighbour = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(ndmsg)));
    neighbour->ndm_family = family_of(next_hop);
    neighbour->ndm_ifindex = static_cast<int>(interface);
    mnl_attr_put(header, NDA_DST, bytes_of(next_hop), next_hop.ip.data());
  };
  auto found = Route::Neighbour::unknown;
  const auto refused = netlink.ask(write, [&](const nlmsghdr* message) {
    if (message->nlmsg_type == RTM_NEWNEIGH && mnl_nlmsg_get_payload_len(message) >= sizeof(ndmsg))
      found = to_neighbour(static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message))->ndm_state);
  });
  return refused && *refused == 0 ? found : Route::Neighbour::unknown;  // ENOENT: it has no entry
}

Result<Route> ask(const Destination& to) {
  auto netlink = Netlink::open(NETLINK_ROUTE, kTimeout);
  if (!netlink) return netlink.error();
  Route found;
  const auto refused = netlink->ask([&](void* buffer) { write_route_question(buffer, to); },
                                    [&](const nlmsghdr* message) { found = to_route(message); });
  if (!refused) return refused.error();
  if (*refused != 0) return Route{.error = *refused, .interface_name = {}, .gateway = {}};
  found.interface_name = interface_name(found.interface);
  if (found.local || found.interface == 0) return found;
  const SocketAddress& next_hop = found.gateway.is_inet() ? found.gateway : to.address;
  found.neighbour = ask_neighbour(*netlink, next_hop, found.interface);
  return found;
}

}  // namespace

Result<Route> ask_route(int netns, const Destination& to) {
  Destination asked = to;
  asked.address = unmapped(to.address);
  return in_namespace<Route>(netns, CLONE_NEWNET, [&] { return ask(asked); });
}

}  // namespace sockward
