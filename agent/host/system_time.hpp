#pragma once
#include "base/clock.hpp"
#include "host/time_view.hpp"

namespace sockward {

/// TimeView on the machine's clocks. Thread-safe.
class SystemTime final : public TimeView {
 public:
  WallTime wall(MonotonicTime time) const override { return clock_.wall(time); }
  bool clock_set_since(MonotonicTime time) const override { return watch_.set_since(time); }
  /// Looks whether the clock was set: the more often, the better it is known when.
  void check() const { watch_.check(); }

 private:
  const SystemClock clock_{};
  const ClockWatch watch_;
};

}  // namespace sockward
