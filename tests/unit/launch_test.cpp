// A command that is run for somebody: whose it is, and how it ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "cli/failure_summary.hpp"
#include "launch/command.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST(Identity, AnIdIsDecimalAndNothingElse) {
  EXPECT_EQ(parse_id("0"), 0u);
  EXPECT_EQ(parse_id("1000"), 1000u);
  EXPECT_EQ(parse_id("4294967294"), 4294967294u);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "me", "4294967295", "4294967296", "1\n"})
    EXPECT_FALSE(parse_id(text)) << text;
}

TEST(Identity, TheEnvironmentIsTheUsersAndSaysNothingOfSudo) {
  const Identity user{
      .uid = 1000, .gid = 1000, .groups = {}, .name = "ann", .home = "/home/ann", .shell = "/bin/zsh"};
  EXPECT_THAT(environment_of(user, {"PATH=/sbin", "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
                                    "MAIL=/var/mail/root", "SUDO_UID=1000", "SUDO_COMMAND=x", "HOMES=kept",
                                    "ODD", "LANG=C"}),
              UnorderedElementsAre("PATH=/sbin", "HOMES=kept", "ODD", "LANG=C", "HOME=/home/ann", "USER=ann",
                                   "LOGNAME=ann", "SHELL=/bin/zsh", "MAIL=/var/mail/ann"));
}

TEST(Identity, AUserWithoutAnEntryHasNoName) {
  const Identity user{.uid = 5, .gid = 5, .groups = {5}, .name = "", .home = "", .shell = ""};
  EXPECT_THAT(environment_of(user, {"HOME=/root", "USER=root", "MAIL=/var/mail/root"}),
              UnorderedElementsAre("HOME=/"));
}

TEST(Ended, SaysHowAndGivesTheCodeOfAShell) {
  const auto ended = [](int status) { return Ended{status}; };
  EXPECT_EQ(ended(W_EXITCODE(0, 0)).exit_code(), 0);
  EXPECT_EQ(ended(W_EXITCODE(7, 0)).exit_code(), 7);
  EXPECT_EQ(ended(W_EXITCODE(7, 0)).text(), "exited with 7");
  EXPECT_EQ(ended(W_EXITCODE(0, SIGTERM)).exit_code(), 143);
  EXPECT_EQ(ended(W_EXITCODE(0, SIGTERM)).text(), "was killed by SIGTERM");
  EXPECT_EQ(ended(W_EXITCODE(0, SIGSEGV) | WCOREFLAG).text(), "was killed by SIGSEGV (core dumped)");
  EXPECT_EQ(ended(W_EXITCODE(0, 40)).text(), "was killed by signal 40");
}

Record in_use(std::uint16_t port, const std::string& comm = "nginx") {
  Record record{.event = inet_bind(EADDRINUSE, tcp4("0.0.0.0", port))};
  record.event.actor.comm = comm;
  record.diagnosis.cause = Cause::address_in_use;
  record.diagnosis.advice = "stop one of them";
  record.diagnosis.holder = Holder{.pid = 7, .comm = "old"};
  return record;
}

std::string text_of(const FailureSummary& summary) {
  return summary.text({.colour = false, .columns = 100});
}

TEST(FailureSummary, CountsByCauseAndSubjectMostFrequentFirst) {
  FailureSummary summary;
  EXPECT_THAT(text_of(summary), IsEmpty());
  summary.add(Record{.event = unix_call(Syscall::connect, ENOENT, "/run/x", 8)});
  for (int i = 0; i < 3; ++i) summary.add(in_use(80));
  summary.add(in_use(81));
  EXPECT_EQ(summary.failures(), 5u);
  EXPECT_EQ(text_of(summary),
            "     4 address_in_use\n"
            "       3  bind EADDRINUSE 0.0.0.0:80 by nginx, held by old[7] uid 0\n"
            "       1  bind EADDRINUSE 0.0.0.0:81 by nginx, held by old[7] uid 0\n"
            "     fix  stop one of them\n"
            "     1 unknown\n"
            "       1  connect ENOENT unix:/run/x by ergo");
}

TEST(FailureSummary, CountsWhatARecordStandsForAndBoundsWhatItKeeps) {
  FailureSummary summary;
  Record repeated = in_use(80);
  repeated.repeats = 9;
  summary.add(repeated);
  for (std::uint16_t port = 1000; port < 3000; ++port) summary.add(in_use(port));
  EXPECT_EQ(summary.failures(), 2010u);
  const std::string text = text_of(summary);
  EXPECT_THAT(text, HasSubstr("  2010 address_in_use\n      10  bind EADDRINUSE 0.0.0.0:80 by"));
  EXPECT_THAT(text, HasSubstr(" 1996  others"));
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 10);
}

TEST(FailureSummary, ASuccessThatIsReportedIsNoFailureAndNamesAreHostile) {
  FailureSummary summary;
  Record near{.event = unix_call(Syscall::bind, 0, "/run/\x1b[31m", 8)};
  near.diagnosis.cause = Cause::path_near_limit;
  near.event.actor.comm = "\x1b[2J";
  summary.add(near);
  EXPECT_EQ(summary.failures(), 0u);
  EXPECT_THAT(text_of(summary), HasSubstr("path_near_limit"));
  EXPECT_THAT(text_of(summary), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace sockward::test
