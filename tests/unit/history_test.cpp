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

const std::string kWhole = "/run/" + std::string(110, 'q') + "/app-ctl.sock";  // 128 bytes
const std::string kCut = kWhole.substr(0, 107);

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

Event exec_of(std::uint32_t index, const std::string& text, std::uint64_t ns = 990'000'000) {
  Event event = an_event(Syscall::execve, 0);
  event.time = {ns};
  event.call = LongArgument{.index = index, .text = text, .before = "-S"};
  return event;
}

TEST(History, KeepsTheArgumentsOfOneExecAndThoseThatWereUsed) {
  History history;
  const std::string other = "/run/" + std::string(120, 'o') + ".sock";
  history.remember(exec_of(2, kWhole));
  history.remember(exec_of(4, other));
  const Event bind = unix_call(Syscall::bind, 0, kCut, 110);
  ASSERT_EQ(history.names_at_exec(bind).size(), 2U);
  EXPECT_EQ(history.names_at_exec(bind).front().option, "-S");
  history.remember(bind);
  EXPECT_EQ(history.names_at_exec(bind).size(), 2U);  // it may be bound again
  EXPECT_TRUE(history.names_at_exec(bind).front().used);
  EXPECT_EQ(history.pending_name(bind)->path, other);
  history.remember(exec_of(2, other, 1'500'000'000));  // the next program of this process
  EXPECT_EQ(history.names_at_exec(bind).size(), 1U);
  Event stranger = bind;
  stranger.actor.tgid += 1;
  EXPECT_TRUE(history.names_at_exec(stranger).empty());
}

TEST(History, KnowsALongerPathThatTheProcessFailedToRemove) {
  History history;
  history.remember(path_call(Syscall::unlink, EPERM, kWhole));
  const Event bind = unix_call(Syscall::bind, 0, kCut, 110);
  EXPECT_EQ(history.unlinked_longer(bind, kCut), kWhole);
  EXPECT_FALSE(history.unlinked_longer(bind, kWhole));
  Event stranger = bind;
  stranger.actor.leader_start_ns += 1;
  EXPECT_FALSE(history.unlinked_longer(stranger, kCut));
}

}  // namespace
}  // namespace sockward
