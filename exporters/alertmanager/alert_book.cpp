#include "alertmanager/alert_book.hpp"

#include <algorithm>

namespace sockward {
namespace {

std::int64_t ns(std::chrono::seconds seconds) {
  return std::chrono::nanoseconds(seconds).count();
}

std::string key_of(const Alert& alert) {
  std::string key;
  for (const auto& [name, value] : alert.labels)
    key.append(name).append(1, '\0').append(value).append(1, '\0');
  return key;
}

/// Changes of what is only counted are told with the next resend: an alert that occurs a thousand times a
/// second must not be posted as often.
constexpr std::int64_t kCalm = 5'000'000'000;

}  // namespace

std::size_t AlertBook::make_room() {
  if (entries_.size() < kMost) return 0;
  const auto oldest = std::min_element(
      entries_.begin(), entries_.end(),
      [](const auto& one, const auto& other) { return one.second.last < other.second.last; });
  entries_.erase(oldest);
  return 1;
}

std::size_t AlertBook::occurred(Alert alert, WallTime now) {
  std::string key = key_of(alert);
  auto found = entries_.find(key);
  std::size_t dropped = 0;
  const bool fresh = found == entries_.end();
  if (fresh) {
    dropped = make_room();
    found = entries_.emplace(std::move(key), Entry{.alert = {}, .last = {}}).first;
  }
  Entry& entry = found->second;
  const bool again = entry.resolved || fresh;
  alert.starts = again ? now : entry.alert.starts;
  if (!fresh && (again || now.ns - entry.last.ns > kCalm)) ++entry.version;
  entry.occurrences = again ? 1 : entry.occurrences + 1;
  alert.annotations["occurrences"] = std::to_string(entry.occurrences);
  entry.alert = std::move(alert);
  entry.last = now;
  entry.resolved = false;
  return dropped;
}

void AlertBook::advance(WallTime now) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = at->second;
    if (!entry.resolved && entry.last.ns + ns(times_.hold) <= now.ns) {
      entry.resolved = true;
      entry.alert.ends = now;
      ++entry.version;
    }
    at = entry.resolved && entry.alert.ends.ns + ns(times_.farewell) <= now.ns ? entries_.erase(at)
                                                                               : std::next(at);
  }
}

AlertBook::Due AlertBook::due(const Receiver& receiver, WallTime now, std::size_t limit) const {
  Due due;
  for (const auto& [key, entry] : entries_) {
    if (due.alerts.size() >= limit) break;
    const auto known = receiver.find(key);
    const bool news = known == receiver.end() || known->second.version != entry.version;
    if (!news && known->second.time.ns + ns(times_.resend) > now.ns) continue;
    due.keys.push_back(key);
    due.versions.push_back(entry.version);
    due.alerts.push_back(entry.alert);
    if (!entry.resolved) due.alerts.back().ends = {now.ns + 4 * ns(times_.resend)};
  }
  return due;
}

std::size_t AlertBook::active() const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                [](const auto& item) { return !item.second.resolved; }));
}

}  // namespace sockward
