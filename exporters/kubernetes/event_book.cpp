#include "kubernetes/event_book.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sockward {
namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kQuiet = std::chrono::minutes(6);  // as client-go's events broadcaster
constexpr nanoseconds kKept = std::chrono::hours(1);     // kube-apiserver --event-ttl
constexpr nanoseconds kFirstPause = std::chrono::seconds(1), kLongestPause = std::chrono::minutes(1);

nanoseconds between(MonotonicTime earlier, MonotonicTime later) {
  return nanoseconds(later.ns - std::min(later.ns, earlier.ns));
}

MonotonicTime after(MonotonicTime time, nanoseconds pause) {
  return {time.ns + static_cast<std::uint64_t>(pause.count())};
}

}  // namespace

void EventBook::make_room() {
  if (entries_.size() < kMost) return;
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at)
    if (!at->second.under_way && (oldest == entries_.end() || at->second.occurred < oldest->second.occurred))
      oldest = at;
  lose(EventLoss::full, oldest->second.records);
  entries_.erase(oldest);
}

void EventBook::occurred(PodEvent event, MonotonicTime now) {
  auto found = entries_.find(event.key);
  if (found == entries_.end()) {
    const auto left_out = of_pods_.admit(event.pod_namespace + "/" + event.pod_uid, now);
    if (!left_out || !of_node_.admit({}, now)) return lose(EventLoss::rate, 1);
    add_left_out(event, *left_out);
    make_room();
    std::string key = event.key;
    found = entries_.emplace(std::move(key), Entry{.event = std::move(event), .began = now}).first;
    found->second.times = found->second.event.times;
    found->second.last = found->second.event.time;
  } else {
    found->second.times += event.times;
    found->second.last = std::max(found->second.last, event.time);
  }
  Entry& entry = found->second;
  if (entry.records++ == 0) entry.began = now;
  entry.occurred = now;
}

std::optional<EventBook::Request> EventBook::next(MonotonicTime now, bool all) {
  // New ones before series; what failed already waits for the others.
  const auto rank = [](const Entry& entry) { return std::tuple(entry.tries, entry.created, entry.began); };
  Entries::iterator best = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const Entry& entry = at->second;
    if (entry.records == 0 || (!all && now < entry.not_before)) continue;
    if (best == entries_.end() || rank(entry) < rank(best->second)) best = at;
  }
  if (best == entries_.end()) return std::nullopt;
  Entry& entry = best->second;
  // A new Event had its share when it occurred.
  if (entry.created && entry.tries == 0 && !all && !of_node_.admit({}, now)) return std::nullopt;
  if (entry.name.empty()) entry.name = object_name(entry.event);
  entry.under_way = true;
  return Request{.key = best->first,
                 .creates = !entry.created,
                 .pod_namespace = entry.event.pod_namespace,
                 .name = entry.name,
                 .body = entry.created ? series_patch(entry.times, entry.last)
                                       : creation_of(entry.event, entry.name, entry.times, entry.last),
                 .records = entry.records,
                 .times = entry.times};
}

void EventBook::answered(const Request& request, Answer answer, MonotonicTime now) {
  const auto found = entries_.find(request.key);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.under_way = false;
  if (answer == Answer::later) {
    ++entry.tries;
    return;
  }
  if (answer == Answer::vanished) {
    // A name of its own: that of the first may still be taken.
    entry.created = false;
    entry.event.time = entry.last;
    entry.times -= entry.known_times;
    entry.known_times = 0;
    entry.name.clear();
    return;
  }
  entry.created = true;
  entry.tries = 0;
  if (answer == Answer::exists && request.times > 1) return;  // as it was at the first try
  entry.records -= request.records;
  entry.known_times = request.times;
  entry.began = now;
  delivered_ += request.records;
  entry.pause = std::clamp(entry.pause * 2, kFirstPause, kLongestPause);
  entry.not_before = after(now, entry.pause);
}

void EventBook::answered(const Request& request, EventLoss loss) {
  const auto found = entries_.find(request.key);
  if (found == entries_.end()) return;
  lose(loss, found->second.records);
  entries_.erase(found);
}

void EventBook::advance(MonotonicTime now) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const Entry& entry = at->second;
    const bool late = entry.records != 0 && between(entry.began, now) >= kKept;
    const bool over = entry.records == 0 && between(entry.occurred, now) >= kQuiet;
    if (entry.under_way || (!late && !over)) {
      ++at;
      continue;
    }
    lose(EventLoss::late, entry.records);  // none of a series that is over
    at = entries_.erase(at);
  }
}

void EventBook::stop() {
  for (const auto& [key, entry] : entries_) lose(EventLoss::stopped, entry.records);
  entries_.clear();
}

}  // namespace sockward
