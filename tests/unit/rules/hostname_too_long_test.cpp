// hostname_too_long: a host name of more than 64 bytes.
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using HostnameTooLong = RuleTest;

TEST_F(HostnameTooLong, NeedsMoreThan64Bytes) {
  EXPECT_TRUE(ask(rules::hostname_too_long, name_call(EINVAL, "old", std::string(65, 'h'))));
  EXPECT_FALSE(ask(rules::hostname_too_long, name_call(EINVAL, "old", std::string(64, 'h'))));
  Event negative = name_call(EINVAL, "old", "x");
  std::get<NameCall>(negative.call).asked_length = -1;
  EXPECT_FALSE(ask(rules::hostname_too_long, negative));
}

TEST_F(HostnameTooLong, IsCertainAndNotSaidOfOtherErrors) {
  const std::string name(65, 'h');
  EXPECT_EQ(ask(rules::hostname_too_long, name_call(EINVAL, "old", name))->confidence, Confidence::certain);
  EXPECT_FALSE(ask(rules::hostname_too_long, name_call(EPERM, "old", name)));
  EXPECT_FALSE(ask(rules::hostname_too_long, name_call(0, "old", name)));
}

}  // namespace
}  // namespace sockward::test
