// No process has the port: a closed connection keeps it (TIME_WAIT for 60 s, or a closing state of an
// orphan).
//
// Never certain: see below.
#include <fmt/format.h>

#include <netinet/in.h>

#include <cerrno>

#include "diagnose/holding.hpp"

namespace sockward {
namespace {

class AddressInTimeWait final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.error() != EADDRINUSE || !call->address.is_inet() ||
        call->address.port == 0)
      return std::nullopt;
    const BoundName wanted = name_of_call(*call);
    const Holding holding = find_holding(seen, wanted, [&](const OpenSocket& socket) {
      return conflicts(socket, *call, seen.event.actor.uid);
    });
    if (!holding.open.empty() || call->socket_netns != seen.event.actor.netns) return std::nullopt;
    auto orphans = seen.host.port_uses(seen.event, call->address.port, IPPROTO_TCP);
    if (!orphans) return std::nullopt;
    std::erase_if(*orphans, [](const PortUse& use) { return use.state == PortUse::State::bound; });
    if (orphans->empty()) return std::nullopt;
    const PortUse& first = orphans->front();
    // Never certain: a listener that lived until just after the call leaves the same picture.
    Diagnosis found{.cause = Cause::address_in_time_wait, .confidence = Confidence::likely};
    found.evidence = {
        fmt::format("nobody has the port open; {} connection{} of it {} in {} (/proc/net/tcp)",
                    orphans->size(), orphans->size() == 1 ? "" : "s", orphans->size() == 1 ? "is" : "are",
                    first.state == PortUse::State::time_wait ? "TIME_WAIT" : "a closing state")};
    if (!holding.obstacle.empty()) found.evidence.push_back("holders are not visible: " + holding.obstacle);
    if (first.age.count() > 0)
      found.evidence.push_back(
          fmt::format("the first of them for {:.1f} s", static_cast<double>(first.age.count()) / 1000));
    found.advice =
        "set SO_REUSEADDR before bind, on the old server's socket and on the new one's; or wait a minute";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_address_in_time_wait() {
  return std::make_unique<AddressInTimeWait>();
}

}  // namespace sockward
