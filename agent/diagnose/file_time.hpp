#pragma once
#include <algorithm>
#include <ctime>

#include "base/clock.hpp"

namespace sockward {

/// File times come from a clock that is read once a tick (ktime_get_coarse_real_ts64), so they lie behind by
/// a tick; by up to six where the processor that keeps the time is held up and another one takes over
/// (kernel/time/tick-sched.c, MAX_STALLED_JIFFIES). In ns, 20 ms and more.
inline std::int64_t file_time_margin() {
  static const std::int64_t margin = [] {
    constexpr std::int64_t kLeast = 20'000'000, kTicks = 6;
    timespec tick{};
    clock_getres(CLOCK_REALTIME_COARSE, &tick);
    return std::max(kLeast, kTicks * tick.tv_nsec + 1'000'000);
  }();
  return margin;
}

/// May the file well have been changed after this moment? The time of such a change lies behind by two ticks
/// at most, unless a processor was held up.
inline bool may_be_after(WallTime file_time, WallTime moment) {
  static const std::int64_t behind = [] {
    constexpr std::int64_t kTicks = 3;
    timespec tick{};
    clock_getres(CLOCK_REALTIME_COARSE, &tick);
    return kTicks * tick.tv_nsec;
  }();
  return file_time.ns + behind >= moment.ns;
}

/// Was the file's time certainly before this moment?
inline bool surely_before(WallTime file_time, WallTime moment) {
  return file_time.ns + file_time_margin() < moment.ns;
}

}  // namespace sockward
