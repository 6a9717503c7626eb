#pragma once
#include "base/clock.hpp"

namespace sockward {

/// File times come from a clock that is read once a tick, 10 ms at most (ktime_get_coarse_real_ts64), so they
/// lie behind.
inline constexpr std::int64_t kFileTimeTick = 20'000'000;  // ns, with a margin

/// Was the file's time certainly before this moment?
inline bool surely_before(WallTime file_time, WallTime moment) {
  return file_time.ns + kFileTimeTick < moment.ns;
}

}  // namespace sockward
