#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"

namespace sockward {

/// How much each group (a unit, a pod) may write: so many a minute, all of them at once if they come at once.
/// Bounded: of 1,024 groups the half that was asked for last is remembered. Not thread-safe.
class GroupLimits {
 public:
  /// `per_minute`: 0 = no limit.
  explicit GroupLimits(std::uint32_t per_minute) : per_minute_(per_minute) {}

  /// nullopt: the group has had its share. Else the number left out since the last that was not.
  std::optional<std::uint64_t> admit(const std::string& group, MonotonicTime now);

 private:
  struct Share {
    double left = 0;
    std::uint64_t updated_ns = 0, left_out = 0;
  };
  Share& share_of(const std::string& group, MonotonicTime now);

  const std::uint32_t per_minute_;
  std::unordered_map<std::string, Share> shares_, previous_;
};

}  // namespace sockward
