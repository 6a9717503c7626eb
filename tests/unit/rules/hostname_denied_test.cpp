// hostname_denied: a change of a host name was refused, and whether the capability was missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using HostnameDenied = RuleTest;

TEST_F(HostnameDenied, IsCertainWithoutTheCapability) {
  const auto found = ask(rules::hostname_denied, name_call(EPERM, "old", "new"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
}

TEST_F(HostnameDenied, PointsElsewhereWhenTheCapabilityIsThere) {
  Event event = name_call(EPERM, "old", "new");
  event.actor = with_capability(event.actor, CAP_SYS_ADMIN);
  const auto found = ask(rules::hostname_denied, event);
  EXPECT_EQ(found->confidence, Confidence::likely);
  EXPECT_THAT(found->unproven, Contains(HasSubstr("seccomp filter or a security module")));
}

TEST_F(HostnameDenied, WhoMayHaveMadeTheOwningUserNamespaceNeedsNoCapabilityThere) {
  Event name = name_call(EPERM, "old", "new");
  std::get<NameCall>(name.call).owner_userns = 4026532998;
  EXPECT_EQ(ask(rules::hostname_denied, name)->confidence, Confidence::likely);
  name.actor.userns = 4026532998;
  EXPECT_EQ(ask(rules::hostname_denied, name)->confidence, Confidence::certain);
}

TEST_F(HostnameDenied, OtherErrorsAndOtherCallsAreNotThat) {
  EXPECT_FALSE(ask(rules::hostname_denied, name_call(EINVAL, "old", "new")));
  EXPECT_FALSE(ask(rules::hostname_denied, name_call(0, "old", "new")));
  EXPECT_FALSE(ask(rules::hostname_denied, path_bind(EPERM)));
}

}  // namespace
}  // namespace sockward::test
