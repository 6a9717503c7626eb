// Every port of the range is taken: bind to port 0 or listen without bind says EADDRINUSE, connect
// EADDRNOTAVAIL.
#include <cerrno>

#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class PortsExhausted final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || !call->is_socket || !call->address.is_inet()) return std::nullopt;
    const bool bind =
        seen.event.syscall == Syscall::bind && seen.event.error() == EADDRINUSE && call->address.port == 0;
    const bool listen =
        seen.event.syscall == Syscall::listen && seen.event.error() == EADDRINUSE && call->bound_port == 0;
    const bool connect = seen.event.syscall == Syscall::connect && seen.event.error() == EADDRNOTAVAIL;
    if (!bind && !listen && !connect) return std::nullopt;
    Diagnosis found{.cause = Cause::ports_exhausted, .confidence = Confidence::certain};
    if (connect) {
      found.confidence = Confidence::likely;  // an address that cannot be connected from looks the same
      found.evidence = {"no local port could be found for the connection, or no local address fits"};
    } else {
      found.evidence = {
          "the kernel was to choose a port, and found none free in net.ipv4.ip_local_port_range"};
    }
    found.advice =
        "look at who has them (`ss -tan`), widen net.ipv4.ip_local_port_range, keep connections open instead "
        "of "
        "making new ones";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_ports_exhausted() {
  return std::make_unique<PortsExhausted>();
}

}  // namespace sockward
