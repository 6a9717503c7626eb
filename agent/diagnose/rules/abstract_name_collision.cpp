// Two containers share a network namespace, and so its abstract names: one has what the other wants.
//
// Abstract names belong to the network namespace, not to the pid or mount namespace (unix(7)).
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/holding.hpp"

namespace sockward {
namespace {

class AbstractNameCollision final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.error() != EADDRINUSE || call->address.kind != AddressKind::abstract)
      return std::nullopt;
    const BoundName wanted = name_of_call(*call);
    const Holding holding =
        find_holding(seen, wanted, [&](const OpenSocket& socket) { return socket.name == wanted; });
    const SocketOwner* owner = !holding.open.empty() ? &holding.open.front().owner
                               : holding.binder      ? &*holding.binder
                                                     : nullptr;
    if (owner == nullptr || owner->pidns == seen.event.actor.pidns) return std::nullopt;
    Diagnosis found{.cause = Cause::abstract_name_collision, .confidence = Confidence::likely};
    describe_holding(seen, holding, found);
    found.evidence.push_back(fmt::format(
        "both are in network namespace {}; the holder lives in pid namespace {}, the caller in {}",
        call->socket_netns, owner->pidns, seen.event.actor.pidns));
    found.advice = "give each its own network namespace";
    if (call->address.name.starts_with("/crtools-fd-"))
      found.advice += ", or run one restore at a time, or use criu 4.1 or later (criu issue 2499)";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_abstract_name_collision() {
  return std::make_unique<AbstractNameCollision>();
}

}  // namespace sockward
