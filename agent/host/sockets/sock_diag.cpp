#include "host/sockets/sock_diag.hpp"

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/device.hpp"
#include "host/in_namespace.hpp"
#include "host/network/netlink.hpp"

namespace sockward {
namespace {

constexpr std::chrono::milliseconds kTimeout{1000};
constexpr unsigned kTcpClose = 7, kTcpListen = 10;  // include/net/tcp_states.h; AF_UNIX uses the same numbers

/// Asks for a dump and hands every answer to `take`.
Result<bool> dump(const void* request, std::size_t bytes, const TakeMessage& take) {
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG, kTimeout);
  if (!netlink) return netlink.error();
  const auto write = [&](void* buffer) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    std::memcpy(mnl_nlmsg_put_extra_header(header, bytes), request, bytes);
  };
  const auto refused = netlink->ask(write, take);
  if (!refused) return refused.error();
  if (*refused != 0) return Error{std::error_code(*refused, std::generic_category()), "query sock_diag"};
  return true;
}

OpenSocket::State state_of(unsigned state, unsigned type) {
  if (state == kTcpListen) return OpenSocket::State::listening;
  return state == kTcpClose || type == SOCK_DGRAM ? OpenSocket::State::idle : OpenSocket::State::connected;
}

std::optional<OpenSocket> unix_socket(const nlmsghdr* message, NamespaceInode netns) {
  const auto* found = static_cast<const unix_diag_msg*>(mnl_nlmsg_get_payload(message));
  OpenSocket socket{.name = {.address = {.kind = AddressKind::path, .family = AF_UNIX, .name = {}}},
                    .owner = {.socket_inode = found->udiag_ino},
                    .type = found->udiag_type,
                    .state = state_of(found->udiag_state, found->udiag_type),
                    .path = {}};
  std::string name;
  bool has_file = false;
  for_each_attribute(message, sizeof(unix_diag_msg), [&](const nlattr* attribute) {
    const auto bytes = mnl_attr_get_payload_len(attribute);
    const void* payload = mnl_attr_get_payload(attribute);
    if (mnl_attr_get_type(attribute) == UNIX_DIAG_NAME) name.assign(static_cast<const char*>(payload), bytes);
    if (mnl_attr_get_type(attribute) == UNIX_DIAG_VFS && bytes >= sizeof(unix_diag_vfs)) {
      const auto* file = static_cast<const unix_diag_vfs*>(payload);
      socket.name.device = stat_device(file->udiag_vfs_dev);  // the kernel's dev_t (net/unix/diag.c)
      socket.name.inode = file->udiag_vfs_ino;
      has_file = true;
    }
    // Of a listener: connections that wait, and the backlog (net/unix/diag.c, sk_diag_show_rqlen).
    if (mnl_attr_get_type(attribute) == UNIX_DIAG_RQLEN && bytes >= sizeof(unix_diag_rqlen) &&
        socket.state == OpenSocket::State::listening) {
      const auto* queue = static_cast<const unix_diag_rqlen*>(payload);
      socket.queue = queue->udiag_rqueue;
      socket.backlog = queue->udiag_wqueue;
    }
  });
  if (name.empty()) return std::nullopt;
  if (name.front() == '\0') {
    socket.name = {.kind = BoundName::Kind::abstract,
                   .netns = netns,
                   .address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = name.substr(1)}};
    return socket;
  }
  socket.path = name.substr(0, name.find('\0'));
  socket.name.address = {};
  return has_file ? std::optional(socket) : std::nullopt;
}

std::optional<OpenSocket> inet_socket(const nlmsghdr* message, NamespaceInode netns, std::uint8_t protocol) {
  const auto* found = static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(message));
  const bool four = found->idiag_family == AF_INET;
  OpenSocket socket{
      .name = {.kind = BoundName::Kind::inet,
               .netns = netns,
               .protocol = protocol,
               .address = {.kind = four ? AddressKind::inet : AddressKind::inet6,
                           .family = found->idiag_family,
                           .name = {},
                           .port = ntohs(found->id.idiag_sport)}},
      .owner = {.socket_inode = found->idiag_inode, .traits = {.bound_device = found->id.idiag_if}},
      .type = static_cast<std::uint16_t>(protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM),
      .path = {}};
  std::memcpy(socket.name.address.ip.data(), found->id.idiag_src, four ? 4 : 16);
  socket.state = state_of(found->idiag_state, socket.type);
  for_each_attribute(message, sizeof(inet_diag_msg), [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY)
      socket.owner.traits.v6only = *static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)) != 0;
  });
  if (socket.name.address.port == 0 || found->idiag_inode == 0) return std::nullopt;  // unbound, or TIME_WAIT
  return socket;
}

Result<std::vector<OpenSocket>> dump_here(NamespaceInode netns) {
  std::vector<OpenSocket> sockets;
  const auto keep = [&](std::optional<OpenSocket> socket) {
    if (socket) sockets.push_back(std::move(*socket));
  };
  unix_diag_req unix_request{};
  unix_request.sdiag_family = AF_UNIX;
  unix_request.udiag_states = ~0U;
  unix_request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN;
  auto done = dump(&unix_request, sizeof(unix_request),
                   [&](const nlmsghdr* message) { keep(unix_socket(message, netns)); });
  if (!done) return done.error();
  for (const std::uint8_t family : {AF_INET, AF_INET6})
    for (const std::uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
      inet_diag_req_v2 request{};
      request.sdiag_family = family;
      request.sdiag_protocol = protocol;
      request.idiag_states = ~0U;
      done = dump(&request, sizeof(request),
                  [&](const nlmsghdr* message) { keep(inet_socket(message, netns, protocol)); });
      // A kernel without IPv6 or without the module for UDP has no such sockets to show.
      if (!done && done.error().code != std::errc::no_such_file_or_directory) return done.error();
    }
  return sockets;
}

}  // namespace

Result<std::vector<OpenSocket>> list_bound_sockets(int netns, NamespaceInode inode) {
  return in_namespace<std::vector<OpenSocket>>(netns, CLONE_NEWNET, [&] { return dump_here(inode); });
}

}  // namespace sockward
