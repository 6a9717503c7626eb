#include "diagnose/history.hpp"

#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace sockward {
namespace {

using namespace test;

Event removal(const std::string& path, std::uint32_t tgid) {
  Event event = path_call(Syscall::unlink, EPERM, path);
  event.actor.tgid = tgid;
  return event;
}

std::uint64_t forgotten(const History& history, HistoryKind kind) {
  return history.forgotten()[static_cast<std::size_t>(kind)];
}

TEST(History, CountsWhatItForgetsForWantOfRoom) {
  History history(4);
  for (std::uint32_t i = 0; i < 6; ++i) history.remember(removal("/run/" + std::to_string(i), 100 + i));
  EXPECT_EQ(forgotten(history, HistoryKind::failed_unlink), 2U);
  EXPECT_FALSE(history.failed_unlink(removal("/run/1", 101), "/run/1"));
  EXPECT_TRUE(history.failed_unlink(removal("/run/2", 102), "/run/2"));
  for (int i = 0; i < 5; ++i) history.remember(name_call(0, "old", "new"));
  EXPECT_EQ(forgotten(history, HistoryKind::name_change), 1U);
  EXPECT_EQ(forgotten(history, HistoryKind::long_argument), 0U);
}

TEST(History, WhatIsTooOldIsNotCountedAsForgotten) {
  History history(4);
  for (std::uint32_t i = 0; i < 4; ++i) history.remember(removal("/run/" + std::to_string(i), 100 + i));
  Event late = removal("/run/late", 200);
  late.time.ns += 61'000'000'000;
  history.remember(late);
  EXPECT_EQ(forgotten(history, HistoryKind::failed_unlink), 0U);
}

TEST(History, ARemovalThatFailsAgainAndAgainLeavesRoomForOthers) {
  History history(4);
  history.remember(removal("/run/rare", 100));
  for (int i = 0; i < 1000; ++i) history.remember(removal("/run/loop", 200));
  EXPECT_TRUE(history.failed_unlink(removal("/run/rare", 100), "/run/rare"));
  EXPECT_EQ(forgotten(history, HistoryKind::failed_unlink), 0U);
}

}  // namespace
}  // namespace sockward
