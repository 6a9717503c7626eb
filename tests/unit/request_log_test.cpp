// Requests for a host name that were seen on the bus, and the wait for one that is under way.
#include <gtest/gtest.h>

#include <thread>

#include "host/bus/request_log.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSecond = 1'000'000'000;

class RequestLogTest : public ::testing::Test {
 protected:
  RequestLogTest() { event.time = clock.monotonic(); }

  HostnameRequest request(const char* name, std::uint64_t before_ns = 1'000'000,
                          std::uint32_t pid = 7) const {
    return {.time = {event.time.ns - before_ns}, .method = "SetHostname", .name = name, .pid = pid};
  }

  const SystemClock clock;
  Event event = name_call(0, "old", "new");
  RequestLog log{clock};
};

TEST_F(RequestLogTest, FindsTheLatestRequestForTheName) {
  log.add(request("new", 2'000'000, 6));
  log.add(request("new"));
  log.add(request("other", 500'000, 8));
  const auto found = log.request_for(event, "new");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, 7U);
}

TEST_F(RequestLogTest, ForgetsWhatIsOlderThanAMinute) {
  log.add(request("new", 59 * kSecond));
  EXPECT_TRUE(log.request_for(event, "new"));
  event.time.ns += 2 * kSecond;
  EXPECT_FALSE(log.request_for(event, "new"));
}

TEST_F(RequestLogTest, ALaterRequestIsAnotherChanges) {
  HostnameRequest later = request("new");
  later.time.ns = event.time.ns + kSecond;
  log.add(later);
  EXPECT_FALSE(log.request_for(event, "new"));
}

TEST_F(RequestLogTest, WaitsForOneThatIsUnderWay) {
  std::jthread bus([this] {
    std::this_thread::sleep_for(5ms);
    log.add(request("new"));
  });
  EXPECT_TRUE(log.request_for(event, "new"));
}

TEST_F(RequestLogTest, DoesNotWaitForLong) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(log.request_for(event, "new"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
  event.time.ns -= kSecond;  // long ago
  const auto again = clock.monotonic();
  EXPECT_FALSE(log.request_for(event, "new"));
  EXPECT_LT(clock.monotonic().ns - again.ns, kSecond);
}

TEST_F(RequestLogTest, IsBoundedAndCountsWhatFoundNoRoom) {
  log.add(request("old", 70 * kSecond));
  for (std::size_t i = 0; i < RequestLog::kEntries; ++i) log.add(request(i == 0 ? "first" : "new"));
  EXPECT_EQ(log.skipped(), 0U) << "what is older than a minute is no loss";
  EXPECT_TRUE(log.request_for(event, "first"));
  log.add(request("new"));
  EXPECT_FALSE(log.request_for(event, "first"));
  EXPECT_EQ(log.skipped(), 1U);
}

}  // namespace
}  // namespace sockward::test
