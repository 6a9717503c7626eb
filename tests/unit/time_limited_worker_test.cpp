// Look-ups that hang do not hold up whoever asks.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "host/in_namespace.hpp"
#include "host/time_limited_worker.hpp"
#include "support/without_threads.hpp"

namespace sockward::test {
namespace {

TEST(TimeLimitedWorker, ReturnsWhatWasFoundAndTheErrorThatWas) {
  TimeLimitedWorker patience(std::chrono::seconds(5));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*patience.with_timeout<int>([i]() -> Result<int> { return i; }), i);
  const auto failed =
      patience.with_timeout<int>([]() -> Result<int> { return make_error(std::errc::io_error, "read"); });
  EXPECT_EQ(failed.error().code, std::errc::io_error);
}

TEST(TimeLimitedWorker, GivesUpOnWhatHangsAndGoesOnWithTheNext) {
  TimeLimitedWorker patience(
      std::chrono::milliseconds(100));  // a busy machine needs some time for what does not hang
  auto release = std::make_shared<std::atomic<bool>>(false);
  const auto hang = [release]() -> Result<int> {
    while (!*release) std::this_thread::yield();
    return 1;
  };
  EXPECT_EQ(patience.with_timeout<int>(hang).error().code, std::errc::timed_out);
  const auto next = patience.with_timeout<int>([]() -> Result<int> { return 2; });
  ASSERT_TRUE(next) << next.error().text();
  EXPECT_EQ(*next, 2);
  for (unsigned i = 1; i < TimeLimitedWorker::kMostHanging; ++i)
    EXPECT_FALSE(patience.with_timeout<int>(hang));
  EXPECT_EQ(patience.with_timeout<int>([]() -> Result<int> { return 3; }).error().code,
            std::errc::device_or_resource_busy);
  EXPECT_EQ(patience.given_up().timed_out, TimeLimitedWorker::kMostHanging);
  EXPECT_EQ(patience.given_up().not_begun, 1u);
  *release = true;  // the threads left behind come back and end
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  bool again = false;
  while (!again && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    again = patience.with_timeout<int>([]() -> Result<int> { return 4; }).has_value();
  }
  EXPECT_TRUE(again) << "eight that hung once would end all look-ups for good";
}

TEST(TimeLimitedWorker, WithoutAThreadTheLookUpIsNotMade) {
  EXPECT_EQ(without_threads([] {
              TimeLimitedWorker patience(std::chrono::seconds(1));
              const auto look = patience.with_timeout<int>([]() -> Result<int> { return 1; });
              return !look && look.error().code == std::errc::device_or_resource_busy &&
                             patience.given_up().not_begun == 1
                         ? 0
                         : 1;
            }),
            0);
}

TEST(Namespaces, AreNotEnteredWithoutAThread) {
  EXPECT_EQ(without_threads([] {
              const auto visit = in_namespace<int>(-1, CLONE_NEWNET, []() -> Result<int> { return 1; });
              return !visit && visit.error().code == std::errc::device_or_resource_busy ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace sockward::test
