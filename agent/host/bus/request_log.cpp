#include "host/bus/request_log.hpp"

#include <algorithm>

namespace sockward {
namespace {

constexpr std::uint64_t nanoseconds(std::chrono::nanoseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

}  // namespace

std::optional<HostnameRequest> RequestLog::find(const Event& event, const std::string& name) const {
  // A request that was seen late has a time after the event: what was waited for is not too late.
  const auto fits = [&](const HostnameRequest& request) {
    return request.name == name && request.time.ns + nanoseconds(kWindow) >= event.time.ns &&
           request.time.ns <= event.time.ns + nanoseconds(kPatience);
  };
  const auto found = std::find_if(requests_.rbegin(), requests_.rend(), fits);
  return found == requests_.rend() ? std::nullopt : std::optional(*found);
}

std::optional<HostnameRequest> RequestLog::request_for(const Event& event, const std::string& name) const {
  std::unique_lock lock(mutex_);
  auto found = find(event, name);
  const std::uint64_t now = clock_.monotonic().ns, until = event.time.ns + nanoseconds(kPatience);
  if (found || now >= until) return found;
  came_.wait_for(lock, std::chrono::nanoseconds(until - now), [&] {
    found = find(event, name);
    return found.has_value();
  });
  return found;
}

void RequestLog::add(HostnameRequest request) {
  {
    const std::lock_guard lock(mutex_);
    if (requests_.size() == kEntries) {
      // Those that are too old for any change are no loss.
      if (requests_.front().time.ns + nanoseconds(kWindow) >= request.time.ns) ++evicted_;
      requests_.pop_front();
    }
    requests_.push_back(std::move(request));
  }
  came_.notify_all();
}

}  // namespace sockward
