#include "host/network/interfaces.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/read_file.hpp"
#include "host/in_namespace.hpp"
#include "host/network/netlink.hpp"

namespace sockward {
namespace {

constexpr std::chrono::milliseconds kTimeout{200};
constexpr int kAttempts = 3;

/// Is the address in fe80::/10?
bool is_link_local(const SocketAddress& address) {
  return address.kind == AddressKind::inet6 && address.ip[0] == 0xFE && (address.ip[1] & 0xC0) == 0x80;
}

/// Is the attribute long enough to hold this much?
bool holds(const nlattr* attribute, std::size_t bytes) {
  return mnl_attr_get_payload_len(attribute) >= bytes;
}

std::optional<NetworkInterface> to_interface(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof(ifinfomsg))
    return std::nullopt;
  const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  NetworkInterface found{.index = static_cast<std::uint32_t>(link->ifi_index),
                         .name = {},
                         .up = (link->ifi_flags & IFF_UP) != 0,
                         .loopback = (link->ifi_flags & IFF_LOOPBACK) != 0,
                         .addresses = {}};
  for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != IFLA_IFNAME) return;
    const auto* name = static_cast<const char*>(mnl_attr_get_payload(attribute));
    found.name.assign(name, strnlen(name, mnl_attr_get_payload_len(attribute)));
  });
  return found;
}

struct FoundAddress {
  std::uint32_t interface = 0;
  InterfaceAddress address;
};

std::optional<FoundAddress> to_address(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof(ifaddrmsg))
    return std::nullopt;
  const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  const bool four = header->ifa_family == AF_INET;
  if (!four && header->ifa_family != AF_INET6) return std::nullopt;
  const std::size_t bytes = four ? 4 : 16;
  FoundAddress found{.interface = header->ifa_index, .address = {}};
  SocketAddress& address = found.address.address;
  address.kind = four ? AddressKind::inet : AddressKind::inet6;
  address.family = header->ifa_family;
  std::uint32_t flags = header->ifa_flags;
  bool has_local = false, known = false;
  for_each_attribute(message, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == IFA_FLAGS && holds(attribute, sizeof(flags))) flags = mnl_attr_get_u32(attribute);
    // With a peer, IFA_ADDRESS is the peer's (include/uapi/linux/if_addr.h).
    if ((type == IFA_LOCAL || (type == IFA_ADDRESS && !has_local)) && holds(attribute, bytes)) {
      std::memcpy(address.ip.data(), mnl_attr_get_payload(attribute), bytes);
      has_local = type == IFA_LOCAL;
      known = true;
    }
  });
  if (is_link_local(address)) address.scope = header->ifa_index;
  // An optimistic address can be used before detection has ended (net/ipv6/addrconf.c, ipv6_chk_addr); one
  // that failed stays tentative.
  found.address.duplicate = (flags & IFA_F_DADFAILED) != 0;
  found.address.tentative =
      (flags & IFA_F_TENTATIVE) != 0 && (flags & (IFA_F_OPTIMISTIC | IFA_F_DADFAILED)) == 0;
  return known ? std::optional(found) : std::nullopt;
}

template <class Header>
Result<bool> dump(Netlink& netlink, std::uint16_t type, const TakeMessage& take) {
  const auto write = [type](void* buffer) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(header, sizeof(Header));
    if (type == RTM_GETLINK) mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  };
  const auto refused = netlink.ask(write, take);
  if (!refused) return refused.error();
  if (*refused != 0) return Error{std::error_code(*refused, std::generic_category()), "query rtnetlink"};
  return true;
}

/// net.ipv6.conf.<name>.disable_ipv6 of the calling thread's network namespace. Not there: not disabled.
bool ipv6_disabled(const std::string& proc, const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) return false;
  const auto text = read_file(proc + "/sys/net/ipv6/conf/" + name + "/disable_ipv6", 16);
  return text && !text->empty() && text->front() != '0';
}

Result<std::vector<NetworkInterface>> list_here(const std::string& proc) {
  auto netlink = Netlink::open(NETLINK_ROUTE, kTimeout);
  if (!netlink) return netlink.error();
  std::vector<NetworkInterface> interfaces;
  std::vector<FoundAddress> addresses;
  auto done = dump<ifinfomsg>(*netlink, RTM_GETLINK, [&](const nlmsghdr* message) {
    if (auto found = to_interface(message)) interfaces.push_back(std::move(*found));
  });
  if (!done) return done.error();
  done = dump<ifaddrmsg>(*netlink, RTM_GETADDR, [&](const nlmsghdr* message) {
    if (auto found = to_address(message)) addresses.push_back(std::move(*found));
  });
  if (!done) return done.error();
  for (NetworkInterface& interface : interfaces) {
    interface.ipv6_disabled = ipv6_disabled(proc, interface.name);
    for (const FoundAddress& found : addresses)
      if (found.interface == interface.index) interface.addresses.push_back(found.address);
  }
  return interfaces;
}

}  // namespace

Result<std::vector<NetworkInterface>> list_interfaces(int netns, const std::string& proc) {
  return in_namespace<std::vector<NetworkInterface>>(netns, CLONE_NEWNET, [&] {
    for (int attempt = 1;; ++attempt) {
      auto found = list_here(proc);  // each time with a socket without the rest of an earlier answer
      if (found || found.error().code != std::errc::interrupted || attempt == kAttempts) return found;
    }
  });
}

}  // namespace sockward
