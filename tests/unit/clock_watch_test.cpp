#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace sockward {
namespace {

TEST(ClockWatch, AClockThatNobodySetsWasNotSet) {
  const SystemClock clock;
  const MonotonicTime began = clock.monotonic();
  const ClockWatch watch;
  for (int i = 0; i < 1000; ++i) watch.check();
  EXPECT_FALSE(watch.set_since(began));
  EXPECT_FALSE(watch.set_since({0}));
}

}  // namespace
}  // namespace sockward
