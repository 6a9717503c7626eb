// path_too_long: the kernel refused a name for its length, and what only looks like it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using PathTooLong = RuleTest;

TEST_F(PathTooLong, IsCertainWhenTheKernelRefusedTheLength) {
  const std::string path = "/var/lib/incus/" + std::string(100, 'v') + "/tpm.sock";
  const auto found = ask(rules::path_too_long, unix_call(Syscall::bind, EINVAL, path, 127));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("addrlen 127 exceeds 110")));
  EXPECT_THAT(found->evidence, Contains(HasSubstr("has 100 bytes: at most 83 fit")));
  EXPECT_FALSE(found->advice.empty());
}

TEST_F(PathTooLong, SaysWhenOnlyTheLengthIsWrong) {
  const auto found = ask(rules::path_too_long, unix_call(Syscall::connect, EINVAL, "/run/x.sock", 128));
  ASSERT_TRUE(found);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("only 11 bytes: the length is wrong")));
}

TEST_F(PathTooLong, KnowsTheLimitsOfPathCalls) {
  const auto found =
      ask(rules::path_too_long, path_call(Syscall::unlink, ENAMETOOLONG, "/tmp/" + std::string(300, 'n')));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("300 bytes, 255 are allowed")));
  EXPECT_FALSE(ask(rules::path_too_long, path_call(Syscall::unlink, ENOENT, std::string(300, 'n'))));
}

TEST_F(PathTooLong, LeavesOtherInvalidArgumentsAlone) {
  EXPECT_FALSE(ask(rules::path_too_long, unix_call(Syscall::bind, EINVAL, "/run/x", 110)));  // bound twice
  EXPECT_FALSE(ask(rules::path_too_long, unix_call(Syscall::bind, EINVAL, "/run/x", -1)));
  EXPECT_FALSE(ask(rules::path_too_long, unix_call(Syscall::bind, EADDRINUSE, "/run/x", 128)));
  Event inet = inet_bind(EINVAL, tcp4("127.0.0.1", 80));
  std::get<SocketCall>(inet.call).address_length = 128;
  EXPECT_FALSE(ask(rules::path_too_long, inet));
  Event other_family = unix_call(Syscall::bind, EINVAL, "", 128);
  std::get<SocketCall>(other_family.call).address = tcp4("127.0.0.1", 80);
  EXPECT_FALSE(ask(rules::path_too_long, other_family));
}

}  // namespace
}  // namespace sockward::test
