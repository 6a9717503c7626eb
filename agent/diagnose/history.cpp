#include "diagnose/history.hpp"

#include <algorithm>

#include "diagnose/path_budget.hpp"
#include "diagnose/socket_argument.hpp"

namespace sockward {
namespace {

bool within(MonotonicTime then, MonotonicTime now) {
  const auto kept = static_cast<std::uint64_t>(std::chrono::nanoseconds(History::kKept).count());
  return then.ns + kept >= now.ns;
}

}  // namespace

template <typename Entries>
void History::make_room(Entries& entries, HistoryKind kind, MonotonicTime now) {
  while (!entries.empty() && !within(entries.front().time, now)) entries.pop_front();
  while (entries.size() >= entries_) {
    entries.pop_front();
    ++forgotten_[static_cast<std::size_t>(kind)];
  }
}

void History::remember(const Event& event) {
  const auto* name = std::get_if<NameCall>(&event.call);
  if (name != nullptr && !event.failed()) remember_change(event, *name);
  if (event.failed() && removes_name(event.syscall)) remember_unlink(event);
  if (const auto* argument = std::get_if<LongArgument>(&event.call)) remember_argument(event, *argument);
  if (const auto* call = std::get_if<SocketCall>(&event.call)) remember_use(*call);
  if (const auto* end = std::get_if<ProcessExit>(&event.call)) remember_end(event, *end);
}

void History::remember_argument(const Event& event, const LongArgument& argument) {
  auto path = overlong_socket_path(argument);
  // A second exec of the same process: the first program is no more. The arguments of one exec come in order,
  // one right after the other.
  constexpr std::uint64_t kOneExecNs = 10'000'000;
  if (argument.index == 0 || path)
    std::erase_if(names_, [&](const PendingName& name) {
      return name.tgid == event.actor.tgid && name.leader_start_ns == event.actor.leader_start_ns &&
             (argument.index <= name.index || name.time.ns + kOneExecNs < event.time.ns);
    });
  if (!path) return;
  make_room(names_, HistoryKind::long_argument, event.time);
  names_.push_back({.tgid = event.actor.tgid,
                    .leader_start_ns = event.actor.leader_start_ns,
                    .index = argument.index,
                    .path = std::move(*path),
                    .option = socket_option(argument),
                    .clipped = argument.clipped,
                    .time = event.time});
}

/// A call with the name, or with what a runtime made of it, was diagnosed for itself. It is kept: the call
/// may be made again.
void History::remember_use(const SocketCall& call) {
  if (call.address.kind != AddressKind::path || call.address.name.size() < kUsablePathBytes) return;
  for (PendingName& name : names_)
    if (name.path.compare(0, kUsablePathBytes, call.address.name, 0, kUsablePathBytes) == 0) name.used = true;
}

void History::remember_end(const Event& event, const ProcessExit& end) {
  if (end.binder) {
    make_room(ends_, HistoryKind::process_end, event.time);
    ends_.push_back({event.actor.tgid, event.actor.leader_start_ns, event.time});
  }
  std::string failed;
  std::erase_if(names_, [&](const PendingName& name) {
    const bool ended = name.tgid == event.actor.tgid && name.leader_start_ns == event.actor.leader_start_ns;
    if (ended && end.failed() && !name.used) failed = name.path;
    return ended;
  });
  // Those who started it and pass its status on are not told of again.
  if (!failed.empty())
    for (PendingName& name : names_)
      if (name.path == failed && name.leader_start_ns <= event.actor.leader_start_ns) name.refused = true;
}

std::optional<PendingName> History::pending_name(const Event& event) const {
  const auto found = std::find_if(names_.begin(), names_.end(), [&](const PendingName& name) {
    return name.tgid == event.actor.tgid && name.leader_start_ns == event.actor.leader_start_ns &&
           !name.refused && !name.used && within(name.time, event.time);
  });
  if (found == names_.end()) return std::nullopt;
  return *found;
}

std::vector<PendingName> History::names_at_exec(const Event& event) const {
  std::vector<PendingName> found;
  for (const PendingName& name : names_)
    if (name.tgid == event.actor.tgid && name.leader_start_ns == event.actor.leader_start_ns &&
        within(name.time, event.time))
      found.push_back(name);
  return found;
}

std::optional<std::string> History::unlinked_longer(const Event& event, const std::string& path) const {
  const auto found = std::find_if(unlinks_.rbegin(), unlinks_.rend(), [&](const UnlinkFailure& failure) {
    return failure.tgid == event.actor.tgid && failure.leader_start_ns == event.actor.leader_start_ns &&
           failure.path.size() > path.size() && failure.path.starts_with(path) &&
           within(failure.time, event.time);
  });
  if (found == unlinks_.rend()) return std::nullopt;
  return found->path;
}

void History::remember_change(const Event& event, const NameCall& call) {
  make_room(changes_, HistoryKind::name_change, event.time);
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
  std::erase_if(unlinks_, [&](const UnlinkFailure& previous) {
    return previous.tgid == event.actor.tgid && previous.leader_start_ns == event.actor.leader_start_ns &&
           previous.path == *path;
  });
  make_room(unlinks_, HistoryKind::failed_unlink, event.time);
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

bool History::has_ended(std::uint32_t tgid, std::uint64_t leader_start_ns) const {
  return std::any_of(ends_.begin(), ends_.end(), [&](const End& end) {
    return end.tgid == tgid && end.leader_start_ns == leader_start_ns;
  });
}

void History::use(std::uint64_t audit_serial) {
  // As many as a log of refusals keeps: what is forgotten here is out of it.
  constexpr std::size_t kMost = 1024;
  if (used_.size() == kMost) used_.pop_front();
  used_.push_back(audit_serial);
}

bool History::is_used(std::uint64_t audit_serial) const {
  return std::find(used_.begin(), used_.end(), audit_serial) != used_.end();
}

std::optional<NameChange> History::latest_change(NamespaceInode utsns, bool domain, MonotonicTime now) const {
  const auto found = std::find_if(changes_.rbegin(), changes_.rend(), [&](const NameChange& change) {
    return change.utsns == utsns && change.domain == domain && within(change.time, now);
  });
  if (found == changes_.rend()) return std::nullopt;
  return *found;
}

}  // namespace sockward
