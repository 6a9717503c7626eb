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

}  // namespace
}  // namespace sockward::test
