// path_near_limit: a bind that succeeded with few bytes left, and names for which that says nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using PathNearLimit = RuleTest;

TEST_F(PathNearLimit, SaysHowManyBytesAreLeft) {
  const auto found = ask(rules::path_near_limit, unix_call(Syscall::bind, 0, std::string(103, 'p'), 106));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("103 bytes of 107: 4 left")));
  EXPECT_FALSE(ask(rules::path_near_limit, unix_call(Syscall::bind, 0, std::string(kUnixPathMax, 'p'), 110)));
  EXPECT_FALSE(ask(rules::path_near_limit, unix_call(Syscall::bind, EADDRINUSE, std::string(103, 'p'), 106)));
}

TEST_F(PathNearLimit, IsNotSaidOfOtherCallsAbstractNamesAndAShortNameThatReplacedAFile) {
  const std::string near(103, 'p');
  EXPECT_FALSE(ask(rules::path_near_limit, unix_call(Syscall::connect, 0, near, 106)));
  Event abstract = unix_call(Syscall::bind, 0, near, 106);
  call_of(abstract).address.kind = AddressKind::abstract;
  EXPECT_FALSE(ask(rules::path_near_limit, abstract));
  Event replacing = unix_call(Syscall::bind, 0, std::string(99, 'p'), 102);
  call_of(replacing).replaced = FileId{.device = 8, .inode = 5};
  EXPECT_FALSE(ask(rules::path_near_limit, replacing)) << "it is reported for another reason";
  call_of(replacing).address.name = near;
  EXPECT_TRUE(ask(rules::path_near_limit, replacing));
}

TEST_F(PathNearLimit, IsNotSaidOfWhatIsLeftOfALongerName) {
  const std::string whole = "/run/" + std::string(110, 'q') + "/app.sock", cut = whole.substr(0, 107);
  EXPECT_TRUE(ask(rules::path_near_limit, unix_call(Syscall::bind, 0, cut, 110)));
  host.command_lines[4121] = {"server", whole};
  EXPECT_FALSE(ask(rules::path_near_limit, unix_call(Syscall::bind, 0, cut, 110)));
}

}  // namespace
}  // namespace sockward::test
