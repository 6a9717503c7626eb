// Two containers share a network namespace, and so its abstract names: one has what the other wants.
//
// Abstract names belong to the network namespace, not to the pid or mount namespace (unix(7)).
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

/// Whoever had the name let it go, and the next one took it before anybody could look. In another pid
/// namespace, the name is shared; in the caller's own, that says nothing of where the holder was.
void describe_next(const Facts& facts, const SocketOwner& next, Finding& found) {
  const double after = static_cast<double>(next.binding.time.ns - facts.event.time.ns) / 1e6;
  found.evidence.emplace_back(
      fmt::format("{} bound the name {:.1f} ms after the call", owner_text(next), after),
      Standing::later("who had it at the call is not remembered: the name table keeps the last one"));
}

std::string advice_for(const std::string& name, bool same_pidns) {
  std::string advice = same_pidns ? "give each a name of its own" : "give each its own network namespace";
  if (name.starts_with("/crtools-fd-"))
    advice += ", or run one restore at a time, or use criu 4.1 or later (criu issue 2499)";
  return advice;
}

}  // namespace

std::optional<Finding> abstract_name_collision(const Facts& facts) {
  if (!facts.is(Syscall::bind, EADDRINUSE) || !facts.is_abstract()) return std::nullopt;
  const Holding& holding = facts.holding();
  const SocketOwner* owner = !holding.open.empty() ? &holding.open.front().owner
                             : holding.binder      ? &*holding.binder
                             : holding.bound_since ? &*holding.bound_since
                                                   : nullptr;
  if (owner == nullptr) return std::nullopt;
  const bool known = !holding.open.empty() || holding.binder;
  const bool same_pidns = owner->process.pidns == facts.event.actor.pidns;
  if (known && same_pidns) return std::nullopt;  // address_in_use
  Finding found{.cause = same_pidns ? Cause::address_in_use : Cause::abstract_name_collision,
                .advice = advice_for(facts.socket()->address.name, same_pidns)};
  if (known)
    describe_holding(facts, holding, found);
  else
    describe_next(facts, *owner, found);
  if (same_pidns) return found;  // where the one before lived is not known
  found.evidence.emplace_back(
      fmt::format("both are in network namespace {}; the {} lives in pid namespace {}, the caller in {}",
                  facts.socket()->socket_netns, known ? "holder" : "other one", owner->process.pidns,
                  facts.event.actor.pidns));
  return found;
}

}  // namespace sockward::rules
