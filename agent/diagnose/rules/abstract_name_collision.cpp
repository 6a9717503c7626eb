// Two containers share a network namespace, and so its abstract names: one has what the other wants.
//
// Abstract names belong to the network namespace, not to the pid or mount namespace (unix(7)).
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> abstract_name_collision(const Facts& facts) {
  if (!facts.is(Syscall::bind, EADDRINUSE) || !facts.is_abstract()) return std::nullopt;
  const Holding& holding = facts.holding();
  const SocketOwner* owner = !holding.open.empty() ? &holding.open.front().owner
                             : holding.binder      ? &*holding.binder
                                                   : nullptr;
  if (owner == nullptr || owner->process.pidns == facts.event.actor.pidns) return std::nullopt;
  Finding found{.cause = Cause::abstract_name_collision};
  describe_holding(facts, holding, found);
  found.evidence.emplace_back(
      fmt::format("both are in network namespace {}; the holder lives in pid namespace {}, the caller in {}",
                  facts.socket()->socket_netns, owner->process.pidns, facts.event.actor.pidns));
  found.advice = "give each its own network namespace";
  if (facts.socket()->address.name.starts_with("/crtools-fd-"))
    found.advice += ", or run one restore at a time, or use criu 4.1 or later (criu issue 2499)";
  return found;
}

}  // namespace sockward::rules
