#pragma once
#include "base/clock.hpp"

namespace sockward {

/// Questions about the host's clocks. Implementations are thread-safe.
class TimeView {
 public:
  virtual ~TimeView() = default;
  /// The wall time of a monotonic time, by the present offset.
  virtual WallTime wall(MonotonicTime time) const = 0;
  /// Was the wall clock set at `time` or later, as far as is known? Then file times prove nothing. Not known
  /// from before the agent started; a time just after a change may be answered with true.
  virtual bool clock_set_since(MonotonicTime time) const = 0;
};

}  // namespace sockward
