#include "diagnose/history.hpp"

#include <algorithm>

namespace sockward {
namespace {

bool within(MonotonicTime then, MonotonicTime now) {
  const auto kept = static_cast<std::uint64_t>(std::chrono::nanoseconds(History::kKept).count());
  return then.ns + kept >= now.ns;
}

}  // namespace

void History::remember(const Event& event) {
  const auto* name = std::get_if<NameCall>(&event.call);
  if (name == nullptr || event.failed()) return;
  while (!changes_.empty() && (changes_.size() >= kChanges || !within(changes_.front().time, event.time)))
    changes_.pop_front();
  changes_.push_back({.utsns = event.actor.utsns,
                      .domain = name->domain,
                      .tgid = event.actor.tgid,
                      .comm = event.actor.comm,
                      .old_name = name->old_name,
                      .new_name = name->new_name,
                      .time = event.time});
}

std::optional<NameChange> History::latest_change(NamespaceInode utsns, bool domain, MonotonicTime now) const {
  const auto found = std::find_if(changes_.rbegin(), changes_.rend(), [&](const NameChange& change) {
    return change.utsns == utsns && change.domain == domain && within(change.time, now);
  });
  if (found == changes_.rend()) return std::nullopt;
  return *found;
}

}  // namespace sockward
