// Refusals that were read, and the wait for those that are under way.
#include <gtest/gtest.h>

#include <thread>

#include "host/audit/denial_log.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMillisecond = 1'000'000;

/// Both clocks agree; time moves with the machine's, from a little after the call.
class LateClock final : public Clock {
 public:
  explicit LateClock(std::int64_t after_call_ns)
      : start_(SystemClock().monotonic()), after_(static_cast<std::uint64_t>(after_call_ns)) {}
  MonotonicTime monotonic() const override {
    return {1'000'000'000 + after_ + SystemClock().monotonic().ns - start_.ns};
  }
  WallTime wall(MonotonicTime time) const override { return {static_cast<std::int64_t>(time.ns)}; }

 private:
  const MonotonicTime start_;
  const std::uint64_t after_;
};

AuditedDenial at(std::int64_t before_return_ns, std::uint64_t serial = 1) {
  AuditedDenial denial;
  denial.serial = serial;
  denial.tgid = an_actor().tgid;
  denial.time = {1'000'000'000 - before_return_ns};
  return denial;
}

class DenialLogTest : public ::testing::Test {
 protected:
  std::size_t found() const {
    return log.denials_of(event, [](const AuditedDenial&) { return true; }).size();
  }

  const Event event = inet_bind(EACCES, tcp4("127.0.0.1", 8080));
  const LateClock clock{1'000 * kMillisecond};  // too late to wait
  DenialLog log{clock};
};

TEST_F(DenialLogTest, FindsWhatTheProcessWasRefusedDuringTheCall) {
  log.add(at(4 * kMillisecond));
  EXPECT_EQ(found(), 1U);
  AuditedDenial other = at(4 * kMillisecond);
  other.tgid = 1;
  log.add(other);
  EXPECT_EQ(found(), 1U);
}

TEST_F(DenialLogTest, AnOldMessageBelongsToAnotherCallAndSoDoesALaterOne) {
  log.add(at(101 * kMillisecond));
  log.add(at(5000 * kMillisecond));
  log.add(at(-6 * kMillisecond));
  EXPECT_EQ(found(), 0U);
}

TEST_F(DenialLogTest, KeepsALimitedNumberAndCountsWhatIsDroppedTooEarly) {
  for (std::size_t i = 0; i < DenialLog::kEntries; ++i) log.add(at(1));
  EXPECT_EQ(log.lost()[0], 0U);
  log.add(at(1));
  EXPECT_EQ(log.lost(), (AuditLost{0, 1, 0}));
  AuditedDenial later = at(0);
  later.time.ns += 2'000'000'000;
  log.add(later);
  EXPECT_EQ(log.lost(), (AuditLost{0, 1, 0})) << "nothing asks for one that is so old";
  log.count(AuditLoss::overrun);
  log.count(AuditLoss::malformed);
  EXPECT_EQ(log.lost(), (AuditLost{1, 1, 1}));
}

TEST(DenialLogWait, WaitsForAMessageThatIsUnderWayAndForNoOther) {
  const LateClock clock{0};
  DenialLog log(clock);
  const Event event = inet_bind(EACCES, tcp4("127.0.0.1", 8080));
  std::jthread late([&] {
    log.add(at(1, 1));
    log.add(at(1, 2));
  });
  const auto found = log.denials_of(event, [](const AuditedDenial& denial) { return denial.serial == 2; });
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].serial, 2U);
}

TEST(DenialLogWait, EndsFiftyMillisecondsAfterTheCall) {
  const LateClock clock{40 * kMillisecond};
  const DenialLog log(clock);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(
      log.denials_of(inet_bind(EACCES, tcp4("127.0.0.1", 8080)), [](const AuditedDenial&) { return true; })
          .empty());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_GE(clock.monotonic().ns, 1'050'000'000U);
}

}  // namespace
}  // namespace sockward::test
