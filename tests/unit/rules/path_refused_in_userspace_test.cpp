// path_refused_in_userspace: a program refused a path itself. Not every failure after a long argument is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/processes.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using PathRefusedInUserspace = DiagnosisTest;

TEST_F(PathRefusedInUserspace, TakesAnArgumentNoCallAndAFailure) {
  const Diagnosis found = after({started_with(kLong)}, ended(1 << 8));
  EXPECT_EQ(found.cause, Cause::path_refused_in_userspace);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.name, kLong);
}

TEST_F(PathRefusedInUserspace, IsSaidOfAMessageWithoutAnArgument) {
  Event event = ended(1 << 8);
  std::get<ProcessExit>(event.call).message =
      "nginx: [emerg] too long path in the unix domain socket \"unix:" + kLong + "\"";
  EXPECT_EQ(after({}, event).cause, Cause::path_refused_in_userspace);
  EXPECT_EQ(after({}, event).name, kLong);
  std::get<ProcessExit>(event.call).status = 0;
  EXPECT_EQ(after({}, event).cause, Cause::unknown);
}

TEST_F(PathRefusedInUserspace, IsToldOfTheProgramAndNotOfItsWrapper) {
  Event child_start = started_with(kLong), child_end = ended(1 << 8);
  for (Event* event : {&child_start, &child_end}) {
    event->actor.tgid = 5000;
    event->actor.leader_start_ns += 1'000'000;
  }
  EXPECT_EQ(after({started_with(kLong), child_start}, child_end).cause, Cause::path_refused_in_userspace);
  EXPECT_EQ(after({started_with(kLong), child_start, child_end}, ended(1 << 8)).cause, Cause::unknown);
}

TEST_F(PathRefusedInUserspace, GivesTheBudgetOfTheNameThatTheUserChose) {
  Event start = started_with(kLong), end = ended(255 << 8);
  std::get<LongArgument>(start.call).before = "-S";
  start.actor.comm = end.actor.comm = "ssh";
  EXPECT_THAT(after({start}, end).evidence, Contains(HasSubstr("the ControlPath may have 90 bytes")));
  std::get<ProcessExit>(end.call).message = "unix_listener: path \"/srv/" + std::string(90, 'c') +
                                            ".fktgaYrXsYHZrIVZ\" too long for Unix domain socket\r\n";
  EXPECT_THAT(after({}, end).evidence, Contains(HasSubstr("may have 90 bytes, it has 95")));
}

TEST_F(PathRefusedInUserspace, IsNotSaidOfSuccessSignalsUsesAndStrangers) {
  EXPECT_EQ(after({started_with(kLong)}, ended(0)).cause, Cause::unknown);
  EXPECT_EQ(after({started_with(kLong)}, ended(15)).cause, Cause::unknown);  // SIGTERM
  const Event cut = unix_call(Syscall::bind, 0, kLong.substr(0, 108), 110);
  EXPECT_EQ(after({started_with(kLong), cut}, ended(1 << 8)).cause, Cause::unknown);
  Event stranger = ended(1 << 8);
  stranger.actor.leader_start_ns += 1;  // the pid was used again
  EXPECT_EQ(after({started_with(kLong)}, stranger).cause, Cause::unknown);
  EXPECT_EQ(after({}, ended(1 << 8)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
