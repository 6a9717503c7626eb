// path_truncated: a program cut a name and went on with the rest. A full name is no proof of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/processes.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const std::string kFull = "/" + std::string(kUnixPathMax - 1, 'p');

using PathTruncated = RuleTest;

TEST_F(PathTruncated, IsLikelyWithoutALongerArgument) {
  host.command_lines[4121] = {"node", "server.js"};
  const auto found = ask(rules::path_truncated, unix_call(Syscall::bind, 0, kFull, 110));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::likely);
}

TEST_F(PathTruncated, IsCertainWithALongerArgument) {
  for (const std::string prefix : {"", "path=", "unix:", "unix://"}) {
    host.command_lines[4121] = {"node", prefix + kFull + "/rest.sock"};
    const auto found = ask(rules::path_truncated, unix_call(Syscall::bind, 0, kFull, 110));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->confidence, Confidence::certain) << prefix;
    EXPECT_THAT(found->evidence, Contains(HasSubstr("/rest.sock")));
  }
}

TEST_F(PathTruncated, IsNotCertainWhenTheArgumentIsTheNameItselfOrAnotherOne) {
  for (const std::string& argument : {kFull, "x" + kFull + "y", kFull.substr(1)}) {
    host.command_lines[4121] = {"node", argument};
    const auto found = ask(rules::path_truncated, unix_call(Syscall::bind, 0, kFull, 110));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->confidence, Confidence::likely);
  }
}

TEST_F(PathTruncated, SaysWhenTheProcessIsGone) {
  const auto found = ask(rules::path_truncated, unix_call(Syscall::connect, ENOENT, kFull, 110));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::likely);
  EXPECT_THAT(found->unproven, Contains(HasSubstr("not visible")));
}

TEST_F(PathTruncated, NeedsAFullAddress) {
  EXPECT_FALSE(ask(rules::path_truncated, unix_call(Syscall::bind, 0, std::string(107, 'p'), 110)));
  EXPECT_FALSE(ask(rules::path_truncated, unix_call(Syscall::bind, EINVAL, std::string(120, 'p'), 123)));
}

TEST_F(PathTruncated, IsSaidOf107BytesOnlyWithALongerName) {
  const Event cut = unix_call(Syscall::connect, ECONNREFUSED, kLong.substr(0, 107), 110);
  EXPECT_EQ(after({started_with(kLong)}, cut).cause, Cause::path_truncated);
  EXPECT_EQ(after({started_with(kLong), cut}, cut).cause, Cause::path_truncated);  // a second try
  EXPECT_NE(after({}, cut).cause, Cause::path_truncated);
}

TEST_F(PathTruncated, IsSaidOfAProgramThatSaysSo) {
  Event end = ended(1 << 8);
  std::get<ProcessExit>(end.call).message =
      "Path length (125) is longer than maximum supported length (108) and will be truncated at -e line 1.";
  EXPECT_EQ(after({}, end).cause, Cause::path_truncated);
  EXPECT_EQ(after({}, end).confidence, Confidence::likely);
  const Event cut = unix_call(Syscall::bind, 0, kLong.substr(0, 108), 110);
  EXPECT_EQ(after({started_with(kLong), cut}, end).cause, Cause::unknown);  // it was told
}

}  // namespace
}  // namespace sockward::test
