// bind below net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE in the user namespace that owns
// the network namespace (net/ipv4/af_inet.c, __inet_bind). The limit, the capabilities and the owner are read
// by the kernel side while the call returns.
#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>

#include "diagnose/capabilities.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> privileged_port(const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (!facts.is(Syscall::bind, EACCES) || !facts.is_inet() || !needs_port_privilege(*call))
    return std::nullopt;
  const Actor& actor = facts.event.actor;
  const Authority authority = authority_of(actor, CAP_NET_BIND_SERVICE, call->owner_userns);
  if (authority == Authority::yes) return std::nullopt;  // then it was not the port
  const std::uint16_t port = call->address.port;
  return Finding{
      .cause = Cause::privileged_port,
      .evidence = {{fmt::format(
                       "port {} is below {}, net.ipv4.ip_unprivileged_port_start of network namespace {}",
                       port, call->port_start, call->socket_netns)},
                   {authority_text(actor, CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", call->owner_userns)}},
      .alternative =
          authority == Authority::no
              ? ""
              : "the caller may have made the user namespace that owns the network, or be in one above it",
      .advice = fmt::format(
          "use a port from {} on; or give the program CAP_NET_BIND_SERVICE (systemd: "
          "AmbientCapabilities=CAP_NET_BIND_SERVICE); or lower net.ipv4.ip_unprivileged_port_start "
          "to {}; or let a socket unit pass the socket",
          call->port_start, port)};
}

}  // namespace sockward::rules
