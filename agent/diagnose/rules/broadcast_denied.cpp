// connect to the broadcast address without SO_BROADCAST: EACCES (net/ipv4/udp.c, datagram.c).
//
// A prohibit route or a security module answers EACCES too, so this is likely, not certain. Only the limited
// broadcast address is known without looking at routes.
#include <cerrno>

#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class BroadcastDenied final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.syscall != Syscall::connect || seen.event.error() != EACCES)
      return std::nullopt;
    if (call->address.kind != AddressKind::inet || call->address.ip_text() != "255.255.255.255")
      return std::nullopt;
    return Diagnosis{
        .cause = Cause::broadcast_denied,
        .confidence = Confidence::likely,
        .evidence = {"255.255.255.255 is the broadcast address, for which a socket needs SO_BROADCAST"},
        .advice = "set SO_BROADCAST on the socket before connect"};
  }
};

}  // namespace

std::unique_ptr<Rule> rule_broadcast_denied() {
  return std::make_unique<BroadcastDenied>();
}

}  // namespace sockward
