// No listener has the port, but a connection that came through it is still open.
//
// Never certain: a listener may have died right after the call, and its connections outlive it.
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/holding.hpp"

namespace sockward {
namespace {

class ConnectionStillOpen final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.error() != EADDRINUSE || !call->address.is_inet() ||
        call->address.port == 0)
      return std::nullopt;
    const BoundName wanted = name_of_call(*call);
    const Holding holding = find_holding(seen, wanted, [&](const OpenSocket& socket) {
      return conflicts(socket, *call, seen.event.actor.uid);
    });
    if (holding.open.empty()) return std::nullopt;
    for (const auto& socket : holding.open)
      if (socket.state != OpenSocket::State::connected) return std::nullopt;
    Diagnosis found{.cause = Cause::connection_still_open, .confidence = Confidence::likely};
    found.holder = to_holder(holding.open.front().owner);
    found.evidence = {fmt::format("nobody listens on the port; {} has {} open connection{} on it",
                                  owner_text(holding.open.front().owner), holding.open.size(),
                                  holding.open.size() == 1 ? "" : "s")};
    found.advice = "end that process, or set SO_REUSEADDR on the server's socket before bind";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_connection_still_open() {
  return std::make_unique<ConnectionStillOpen>();
}

}  // namespace sockward
