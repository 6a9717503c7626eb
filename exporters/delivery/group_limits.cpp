#include "delivery/group_limits.hpp"

#include <algorithm>
#include <utility>

namespace sockward {

std::optional<std::uint64_t> GroupLimits::admit(const std::string& group, MonotonicTime now) {
  if (per_minute_ == 0) return 0;
  constexpr double kMinute = 60e9;  // ns
  Share& share = share_of(group, now);
  const double passed = static_cast<double>(now.ns - std::min(now.ns, share.updated_ns));
  share.left = std::min<double>(per_minute_, share.left + passed * per_minute_ / kMinute);
  share.updated_ns = now.ns;
  if (share.left < 1) {
    ++share.left_out;
    return std::nullopt;
  }
  share.left -= 1;
  return std::exchange(share.left_out, 0);
}

GroupLimits::Share& GroupLimits::share_of(const std::string& group, MonotonicTime now) {
  constexpr std::size_t kHalf = 512;
  if (const auto known = shares_.find(group); known != shares_.end()) return known->second;
  auto previous = previous_.extract(group);
  if (shares_.size() >= kHalf) previous_ = std::exchange(shares_, {});
  const Share fresh{.left = static_cast<double>(per_minute_), .updated_ns = now.ns};
  return shares_.emplace(group, previous.empty() ? fresh : previous.mapped()).first->second;
}

}  // namespace sockward
