#include "enrich/route.hpp"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <memory>
#include <span>

#include "enrich/in_namespace.hpp"

namespace sockward {
namespace {

constexpr timeval kPatience{.tv_sec = 0, .tv_usec = 200'000};

struct CloseSocket {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};

std::size_t write_question(std::span<char> buffer, const SocketAddress& to, std::uint32_t uid) {
  const bool four = to.kind == AddressKind::inet;
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = RTM_GETROUTE;
  header->nlmsg_flags = NLM_F_REQUEST;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));
  route->rtm_family = four ? AF_INET : AF_INET6;
  route->rtm_dst_len = four ? 32 : 128;
  mnl_attr_put(header, RTA_DST, four ? 4 : 16, to.ip.data());
  mnl_attr_put_u32(header, RTA_UID, uid);
  return header->nlmsg_len;
}

Result<Route> ask(const SocketAddress& to, std::uint32_t uid) {
  const std::unique_ptr<mnl_socket, CloseSocket> socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket) return last_error("open rtnetlink");
  setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  alignas(nlmsghdr) std::array<char, 8192> buffer{};
  const std::size_t bytes = write_question(buffer, to, uid);
  if (mnl_socket_sendto(socket.get(), buffer.data(), bytes) < 0) return last_error("ask rtnetlink");
  const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
  if (received < 0) return last_error("read from rtnetlink");
  const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
  if (mnl_nlmsg_ok(answer, static_cast<int>(received)) == 0)
    return make_error(std::errc::bad_message, "read from rtnetlink");
  if (answer->nlmsg_type == NLMSG_ERROR)
    return Route{.error = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer))->error};
  const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(answer));
  return Route{.local = route->rtm_type == RTN_LOCAL};
}

}  // namespace

Result<Route> ask_route(int netns, const SocketAddress& to, std::uint32_t uid) {
  return in_namespace<Route>(netns, CLONE_NEWNET, [&] { return ask(to, uid); });
}

}  // namespace sockward
