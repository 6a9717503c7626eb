// bind to a low port without the capability: EACCES (net/ipv4/af_inet.c, __inet_bind; net/ipv6/af_inet6.c).
//
// The threshold is net.ipv4.ip_unprivileged_port_start of the socket's network namespace, read from the
// kernel, and the capability must hold in the user namespace that owns it.
#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>

#include "diagnose/capabilities.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class PrivilegedPort final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.syscall != Syscall::bind || seen.event.error() != EACCES)
      return std::nullopt;
    const std::uint16_t port = call->address.port;
    if (!call->is_socket || !call->address.is_inet() || port == 0 || port >= call->port_start)
      return std::nullopt;
    const Actor& actor = seen.event.actor;
    const Authority authority = authority_of(actor, CAP_NET_BIND_SERVICE, call->owner_userns);
    if (authority == Authority::yes) return std::nullopt;  // then it was not the port
    return Diagnosis{
        .cause = Cause::privileged_port,
        .confidence = authority == Authority::no ? Confidence::certain : Confidence::likely,
        .evidence = {fmt::format(
                         "port {} is below {}, net.ipv4.ip_unprivileged_port_start of network namespace {}",
                         port, call->port_start, call->socket_netns),
                     authority_text(actor, CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", call->owner_userns)},
        .advice = fmt::format(
            "use a port from {} on; or give the program CAP_NET_BIND_SERVICE (systemd: "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE); or lower net.ipv4.ip_unprivileged_port_start "
            "to {}; or let a socket unit pass the socket",
            call->port_start, port)};
  }
};

}  // namespace

std::unique_ptr<Rule> rule_privileged_port() {
  return std::make_unique<PrivilegedPort>();
}

}  // namespace sockward
