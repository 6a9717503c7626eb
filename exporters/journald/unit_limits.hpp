#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"

namespace sockward {

/// How many entries each unit gets in the journal: so many a minute, all of them at once if they come at
/// once. Bounded: of 1,024 units the half that was asked for last is remembered. Not thread-safe.
class UnitLimits {
 public:
  /// `per_minute`: 0 = no limit.
  explicit UnitLimits(std::uint32_t per_minute) : per_minute_(per_minute) {}

  /// nullopt: the unit has had its share. Else the number of entries left out since the last that was not.
  std::optional<std::uint64_t> admit(const std::string& unit, MonotonicTime now);

 private:
  struct Share {
    double left = 0;
    std::uint64_t updated_ns = 0, left_out = 0;
  };
  Share& share_of(const std::string& unit, MonotonicTime now);

  const std::uint32_t per_minute_;
  std::unordered_map<std::string, Share> shares_, previous_;
};

}  // namespace sockward
