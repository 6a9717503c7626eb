// bind to an address that no interface of the network namespace has: EADDRNOTAVAIL (net/ipv4/af_inet.c,
// __inet_bind).
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class AddressNotLocal final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.syscall != Syscall::bind || seen.event.error() != EADDRNOTAVAIL)
      return std::nullopt;
    if (!call->is_socket || !call->address.is_inet()) return std::nullopt;
    return Diagnosis{
        .cause = Cause::address_not_local,
        .confidence = Confidence::certain,
        .evidence = {fmt::format("the kernel found {} on no interface of network namespace {}",
                                 call->address.ip_text(), call->socket_netns)},
        .advice =
            "check the address with `ip addr`; if it comes up later, start the program after it (systemd: "
            "network-online.target) or set IP_FREEBIND or net.ipv4.ip_nonlocal_bind"};
  }
};

}  // namespace

std::unique_ptr<Rule> rule_address_not_local() {
  return std::make_unique<AddressNotLocal>();
}

}  // namespace sockward
