#include "event/socket_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/printable.hpp"

namespace sockward {
namespace {

constexpr std::size_t kFamilyBytes = 2;
constexpr std::size_t kInetBytes = 16;         // sizeof(struct sockaddr_in)
constexpr std::size_t kInet6Bytes = 24;        // SIN6_LEN_RFC2133, net/ipv6/af_inet6.c
constexpr std::size_t kScopeOffset = 24;       // sin6_scope_id
constexpr std::size_t kNetlinkPortOffset = 4;  // nl_pid

std::uint16_t big_endian_16(std::string_view bytes) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8 |
                                    static_cast<unsigned char>(bytes[1]));
}

void parse_unix(std::string_view name, SocketAddress& address) {
  if (name.empty()) {
    address.kind = AddressKind::unnamed;
  } else if (name.front() == '\0') {
    address.kind = AddressKind::abstract;
    address.name = name.substr(1);
  } else {
    address.kind = AddressKind::path;
    address.name = name.substr(0, name.find('\0'));
  }
}

void parse_ip(std::string_view bytes, std::size_t offset, std::size_t size, AddressKind kind,
              SocketAddress& address) {
  if (bytes.size() < offset + size) {
    address.kind = AddressKind::other;
    address.truncated = true;
    return;
  }
  address.kind = kind;
  address.port = big_endian_16(bytes.substr(kFamilyBytes));
  std::memcpy(address.ip.data(), bytes.data() + offset, size);
}

struct FamilyName {
  std::uint16_t family;
  const char* name;
};

constexpr FamilyName kFamilies[] = {
    {AF_UNSPEC, "AF_UNSPEC"},
    {AF_UNIX, "AF_UNIX"},
    {AF_INET, "AF_INET"},
    {AF_AX25, "AF_AX25"},
    {AF_IPX, "AF_IPX"},
    {AF_INET6, "AF_INET6"},
    {AF_NETLINK, "AF_NETLINK"},
    {AF_PACKET, "AF_PACKET"},
    {AF_RDS, "AF_RDS"},
    {AF_PPPOX, "AF_PPPOX"},
    {AF_CAN, "AF_CAN"},
    {AF_TIPC, "AF_TIPC"},
    {AF_BLUETOOTH, "AF_BLUETOOTH"},
    {AF_ALG, "AF_ALG"},
    {AF_VSOCK, "AF_VSOCK"},
    {AF_KCM, "AF_KCM"},
    {AF_QIPCRTR, "AF_QIPCRTR"},
    {AF_SMC, "AF_SMC"},
    {AF_XDP, "AF_XDP"},
};

}  // namespace

std::string_view to_string(AddressKind kind) {
  switch (kind) {
    case AddressKind::path:
      return "path";
    case AddressKind::abstract:
      return "abstract";
    case AddressKind::unnamed:
      return "unnamed";
    case AddressKind::inet:
      return "inet";
    case AddressKind::inet6:
      return "inet6";
    case AddressKind::other:
      return "other";
    case AddressKind::unreadable:
      return "unreadable";
  }
  return "unreadable";
}

std::string SocketAddress::ip_text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_inet()) inet_ntop(kind == AddressKind::inet ? AF_INET : AF_INET6, ip.data(), text, sizeof(text));
  return text;
}

SocketAddress parse_socket_address(const AddressCopy& copy) {
  SocketAddress address;
  if (copy.fault) return address;
  address.truncated = copy.clipped;
  if (copy.bytes.size() < kFamilyBytes) {
    address.kind = AddressKind::other;
    address.truncated = true;
    return address;
  }
  std::memcpy(&address.family, copy.bytes.data(), kFamilyBytes);
  switch (address.family) {
    case AF_UNIX:
      parse_unix(copy.bytes.substr(kFamilyBytes), address);
      break;
    case AF_INET:
      parse_ip(copy.bytes, 4, 4, AddressKind::inet, address);
      address.truncated |= copy.bytes.size() < kInetBytes;
      break;
    case AF_INET6:
      parse_ip(copy.bytes, 8, 16, AddressKind::inet6, address);
      address.truncated |= copy.bytes.size() < kInet6Bytes;
      if (copy.bytes.size() >= kScopeOffset + sizeof(address.scope))
        std::memcpy(&address.scope, copy.bytes.data() + kScopeOffset, sizeof(address.scope));
      break;
    case AF_NETLINK:
      address.kind = AddressKind::other;
      if (copy.bytes.size() >= kNetlinkPortOffset + sizeof(address.netlink_port))
        std::memcpy(&address.netlink_port, copy.bytes.data() + kNetlinkPortOffset,
                    sizeof(address.netlink_port));
      break;
    default:
      address.kind = AddressKind::other;
  }
  return address;
}

std::optional<AddressText> address_text(const SocketAddress& address) {
  switch (address.kind) {
    case AddressKind::unreadable:
      return std::nullopt;
    case AddressKind::unnamed:
      return AddressText{"unix:"};
    case AddressKind::inet:
      return AddressText{fmt::format("{}:{}", address.ip_text(), address.port)};
    case AddressKind::inet6:
      return AddressText{address.scope == 0
                             ? fmt::format("[{}]:{}", address.ip_text(), address.port)
                             : fmt::format("[{}%{}]:{}", address.ip_text(), address.scope, address.port)};
    case AddressKind::other:
      return AddressText{address.netlink_port == 0 ? "family:" + family_name(address.family)
                                                   : fmt::format("family:{}:{}", family_name(address.family),
                                                                 address.netlink_port)};
    case AddressKind::path:
    case AddressKind::abstract:
      break;
  }
  Printable name = printable(address.name);
  // A path may begin with '@' too: kind tells them apart, and so does the text form.
  const bool at_path = address.kind == AddressKind::path && address.name.front() == '@';
  const char* prefix = address.kind == AddressKind::abstract ? "unix:@" : at_path ? "unix:./" : "unix:";
  return AddressText{prefix + name.text, name.exact && !at_path};
}

std::string family_name(std::uint16_t family) {
  const auto* found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                   [family](const FamilyName& entry) { return entry.family == family; });
  return found == std::end(kFamilies) ? fmt::format("AF_{}", family) : found->name;
}

}  // namespace sockward
