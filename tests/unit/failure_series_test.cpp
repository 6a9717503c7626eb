#include "prometheus/failure_series.hpp"

#include <gtest/gtest.h>

#include <set>

#include "record/context.hpp"
#include "support/fake_kernel.hpp"

namespace sockward {
namespace {

using test::FakeKernel;

const CountedKind kKind{FakeKernel::kSyscall, FakeKernel::kFamily, FakeKernel::kSlot};

class Series : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kHostKey = 1;
  std::uint64_t value(const std::string& label) {
    const auto found = std::find_if(latest.begin(), latest.end(), [&](const FailureSeries::Series& one) {
      return one.container == label && one.kind == kKind;
    });
    return found == latest.end() ? 0 : found->count;
  }
  void scrape(long second) {
    expired = series.upkeep(kernel, std::chrono::seconds(second));
    latest = series.read(read_counters(kernel));
  }
  static std::string name(std::uint64_t key) {
    return key == kHostKey ? "host" : "docker:" + std::to_string(key / 10);
  }

  FakeKernel kernel;
  std::set<std::uint64_t> gone;
  FailureSeries series{
      2, std::chrono::seconds(10),
      [this](std::uint64_t key) { return gone.contains(key) ? std::nullopt : std::optional(name(key)); },
      [this](std::uint64_t key) { return !gone.contains(key); }};
  FailureSeries::Table latest;
  std::vector<std::string> expired;
};

TEST_F(Series, AreReadFromTheTableBeforeTheWholeSoThatTheRestIsNeverNegative) {
  const FailureCounters counters = read_counters(kernel);
  EXPECT_TRUE(counters.by_container);
  EXPECT_EQ(kernel.reads, (std::vector<std::string>{"failures_by_source", "retired", "snapshot"}));
}

TEST_F(Series, SumsTheCgroupsOfOneContainer) {
  kernel.fail(11, 3);
  kernel.fail(12, 4);
  kernel.fail(kHostKey, 5);
  scrape(0);
  EXPECT_EQ(value("docker:1"), 7u);
  EXPECT_EQ(value("host"), 5u);
  EXPECT_EQ(value("~other"), 0u);
}

TEST_F(Series, PastTheCapEverythingIsOtherAndStaysThere) {
  for (const std::uint64_t key : {11, 21, 31, 41}) kernel.fail(key, key);
  scrape(0);
  EXPECT_EQ(series.overflowed(), 2u);
  EXPECT_EQ(value("~other"), 31u + 41u);
  gone.insert(11);
  scrape(1);
  scrape(20);  // docker:1 has expired: there is room
  kernel.fail(31, 1);
  scrape(21);
  EXPECT_EQ(value("~other"), 31u + 41u + 1u) << "a container must not leave ~other: its sum would fall";
}

TEST_F(Series, CountsOfTheHostsCgroupsThatAreGoneStayInTheKernelsTable) {
  for (const bool room : {true, false}) {
    kernel.host_room = room;
    gone.erase(kHostKey);
    kernel.fail(kHostKey, 5);
    scrape(0);
    const std::uint64_t before = value("host");
    gone.insert(kHostKey);
    scrape(1);
    EXPECT_EQ(value("host"), before);
    EXPECT_EQ(value("~other"), 0u);
  }
  // The next agent finds what there was room for.
  FailureSeries next{2, std::chrono::seconds(10), [](std::uint64_t) { return std::nullopt; },
                     [](std::uint64_t) { return false; }};
  next.upkeep(kernel, std::chrono::seconds(2));
  latest = next.read(read_counters(kernel));
  EXPECT_EQ(value("host"), 5u);
}

TEST_F(Series, TheHostNeedsNoRoom) {
  for (const std::uint64_t key : {11, 21}) kernel.fail(key, 1);
  scrape(0);
  kernel.fail(kHostKey, 9);
  scrape(1);
  EXPECT_EQ(value("host"), 9u);
}

TEST_F(Series, AGoneContainerKeepsItsCountsThenDisappearsWithoutABurst) {
  kernel.fail(11, 7);
  scrape(0);
  gone.insert(11);
  scrape(1);
  EXPECT_EQ(value("docker:1"), 7u);
  EXPECT_TRUE(kernel.table.empty()) << "its key makes room in the kernel's table";
  scrape(10);
  EXPECT_EQ(value("docker:1"), 7u);
  scrape(11);
  EXPECT_EQ(value("docker:1"), 0u);
  EXPECT_EQ(expired, std::vector<std::string>{"docker:1"});
  EXPECT_EQ(value("~other"), 0u);
}

TEST_F(Series, ACgroupOfALivingContainerMayGo) {
  kernel.fail(11, 7);
  kernel.fail(12, 1);
  scrape(0);
  gone.insert(11);
  scrape(1);
  scrape(100);
  EXPECT_EQ(value("docker:1"), 8u);
}

TEST_F(Series, TheHostsCountsSurviveEveryOneOfItsCgroups) {
  kernel.fail(kHostKey, 4);
  scrape(0);
  gone.insert(kHostKey);
  scrape(1);
  scrape(1000);
  EXPECT_EQ(value("host"), 4u);
}

TEST_F(Series, AContainerThatWasGoneBeforeAnybodyLookedIsOther) {
  gone.insert(11);
  kernel.fail(11, 6);
  scrape(0);
  EXPECT_EQ(value("~other"), 6u);
  scrape(100);
  EXPECT_EQ(value("~other"), 6u);
}

TEST_F(Series, AContainerThatDiesBetweenTwoScrapesKeepsTheNameThatUpkeepLearned) {
  kernel.fail(11, 6);
  series.upkeep(kernel, std::chrono::seconds(0));
  gone.insert(11);
  scrape(1);
  EXPECT_EQ(value("docker:1"), 6u);
  EXPECT_EQ(value("~other"), 0u);
}

TEST_F(Series, AScrapeAloneRetiresNothing) {
  kernel.fail(11, 6);
  scrape(0);
  gone.insert(11);
  latest = series.read(read_counters(kernel));
  EXPECT_EQ(value("docker:1"), 6u);
  EXPECT_EQ(kernel.table.size(), 1u);
}

TEST_F(Series, WhatTheKernelsTableHadNoRoomForIsOther) {
  kernel.room = 1;
  kernel.fail(11, 2);
  kernel.fail(21, 5);
  scrape(0);
  EXPECT_EQ(value("docker:1"), 2u);
  EXPECT_EQ(value("~other"), 5u);
}

TEST_F(Series, TheSumIsAlwaysWhatTheKernelCounted) {
  std::uint64_t step = 1;
  for (int second = 0; second < 60; ++second) {
    for (const std::uint64_t key : {1, 11, 12, 21, 31}) kernel.fail(key, step++);
    if (second == 20) gone.insert(12);
    if (second == 30) gone.insert(21);
    kernel.table.erase(gone.contains(12) ? 12 : 0);
    scrape(second);
    if (second >= 20) break;  // from here on expired series are missing on purpose
    std::uint64_t sum = 0;
    for (const auto& one : latest) sum += one.count;
    EXPECT_EQ(sum, kernel.all);
  }
}

/// Pods come and go, each with a name of its own, as on a node of a cluster all day.
struct Churn {
  static constexpr std::uint64_t kPods = 1000, kAtOnce = 50;
  static constexpr std::size_t kCap = 200;
  static constexpr long kTtl = 600;

  explicit Churn(long seconds_between) {
    for (std::uint64_t pod = 1; pod <= kPods; ++pod) {
      newest = 1000 + pod;
      const long now = static_cast<long>(pod) * seconds_between;
      kernel.fail(newest, 2);
      series.upkeep(kernel, std::chrono::seconds(now));
      scrape(2 * pod, now < kTtl);
    }
  }
  void scrape(std::uint64_t failures, bool all_kept) {
    std::set<std::string, std::less<>> shown;
    std::uint64_t sum = 0;
    for (const auto& one : series.read(read_counters(kernel))) {
      shown.emplace(one.container);
      sum += one.count;
    }
    ever.insert(shown.begin(), shown.end());
    shown.erase("host");
    shown.erase("~other");
    most = std::max(most, shown.size());
    if (all_kept) {
      EXPECT_EQ(sum, failures);
    }
  }
  bool lives(std::uint64_t key) const { return key + kAtOnce > newest; }
  static std::string name(std::uint64_t key) {
    return ContainerIdentity{.runtime = "containerd",
                             .id = std::string(64, 'a'),
                             .pod_uid = "uid",
                             .pod_namespace = "shop",
                             .pod = "web-" + std::to_string(key),
                             .pod_container = "nginx"}
        .label();
  }

  FakeKernel kernel;
  std::uint64_t newest = 0;
  FailureSeries series{
      kCap, std::chrono::seconds(kTtl),
      [this](std::uint64_t key) { return lives(key) ? std::optional(name(key)) : std::nullopt; },
      [this](std::uint64_t key) { return lives(key); }};
  std::set<std::string, std::less<>> ever;  // labels
  std::size_t most = 0;                     // of them at once
};

TEST(SeriesOfPods, AThousandThatComeAndGoStayBelowTheCap) {
  const Churn slow(5);
  EXPECT_LE(slow.most, Churn::kCap);
  EXPECT_EQ(slow.series.overflowed(), 0u);
  EXPECT_EQ(slow.ever.size() - slow.ever.count("~other"), Churn::kPods)
      << "those that are gone make room in time";
  EXPECT_TRUE(slow.ever.contains("k8s:shop/web-2000/nginx"));
}

TEST(SeriesOfPods, FasterThanSeriesExpireTheRestIsOtherAndNoFailureIsLost) {
  const Churn fast(1);
  EXPECT_EQ(fast.most, Churn::kCap);
  EXPECT_GT(fast.series.overflowed(), 500u);
  EXPECT_TRUE(fast.ever.contains("~other"));
}

}  // namespace
}  // namespace sockward
