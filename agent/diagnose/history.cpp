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
  if (name != nullptr && !event.failed()) remember_change(event, *name);
  if (event.failed() && (event.syscall == Syscall::unlink || event.syscall == Syscall::unlinkat))
    remember_unlink(event);
}

void History::remember_change(const Event& event, const NameCall& call) {
  while (!changes_.empty() && (changes_.size() >= kChanges || !within(changes_.front().time, event.time)))
    changes_.pop_front();
  changes_.push_back({.utsns = event.actor.utsns,
                      .domain = call.domain,
                      .tgid = event.actor.tgid,
                      .comm = event.actor.comm,
                      .old_name = call.old_name,
                      .new_name = call.new_name,
                      .time = event.time});
}

void History::remember_unlink(const Event& event) {
  auto path = resolved_path(event);
  if (!path) return;
  while (!unlinks_.empty() && (unlinks_.size() >= kUnlinks || !within(unlinks_.front().time, event.time)))
    unlinks_.pop_front();
  unlinks_.push_back({.tgid = event.actor.tgid,
                      .leader_start_ns = event.actor.leader_start_ns,
                      .path = std::move(*path),
                      .syscall = event.syscall,
                      .error = event.error(),
                      .time = event.time});
}

std::optional<UnlinkFailure> History::failed_unlink(const Event& event, const std::string& path) const {
  const auto found = std::find_if(unlinks_.rbegin(), unlinks_.rend(), [&](const UnlinkFailure& failure) {
    return failure.tgid == event.actor.tgid && failure.leader_start_ns == event.actor.leader_start_ns &&
           failure.path == path && within(failure.time, event.time);
  });
  if (found == unlinks_.rend()) return std::nullopt;
  return *found;
}

std::optional<NameChange> History::latest_change(NamespaceInode utsns, bool domain, MonotonicTime now) const {
  const auto found = std::find_if(changes_.rbegin(), changes_.rend(), [&](const NameChange& change) {
    return change.utsns == utsns && change.domain == domain && within(change.time, now);
  });
  if (found == changes_.rend()) return std::nullopt;
  return *found;
}

}  // namespace sockward
