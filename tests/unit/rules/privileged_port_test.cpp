// privileged_port: a low port without the capability where it counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using PrivilegedPort = RuleTest;

TEST_F(PrivilegedPort, IsCertainWithoutTheCapability) {
  const auto found = ask(rules::privileged_port, inet_bind(EACCES, tcp4("0.0.0.0", 80)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("port 80 is below 1024")));
  EXPECT_THAT(found->evidence, Contains(HasSubstr("no CAP_NET_BIND_SERVICE")));
}

TEST_F(PrivilegedPort, IsNotTheCauseWhenTheCapabilityIsThere) {
  Event event = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  event.actor = with_capability(event.actor, CAP_NET_BIND_SERVICE);
  EXPECT_FALSE(ask(rules::privileged_port, event));
}

TEST_F(PrivilegedPort, KnowsThatACapabilityInAChildNamespaceDoesNotCount) {
  Event event = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  event.actor = with_capability(event.actor, CAP_NET_BIND_SERVICE);
  event.actor.userns = 4026532999;
  const auto in_initial = ask(rules::privileged_port, event);
  ASSERT_TRUE(in_initial);
  EXPECT_EQ(in_initial->confidence, Confidence::certain);
  std::get<SocketCall>(event.call).owner_userns = 4026532998;  // which of the two is above cannot be told
  EXPECT_EQ(ask(rules::privileged_port, event)->confidence, Confidence::likely);
}

TEST_F(PrivilegedPort, WhoMayHaveMadeTheOwningUserNamespaceNeedsNoCapabilityThere) {
  Event port = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  std::get<SocketCall>(port.call).owner_userns = 4026532998;
  EXPECT_EQ(ask(rules::privileged_port, port)->confidence, Confidence::likely);
  port.actor.userns = 4026532998;
  EXPECT_EQ(ask(rules::privileged_port, port)->confidence, Confidence::certain) << "in it, one needs it";
}

TEST_F(PrivilegedPort, LeavesOtherPortsAndErrorsAlone) {
  EXPECT_FALSE(ask(rules::privileged_port, inet_bind(EACCES, tcp4("0.0.0.0", 1024))));
  EXPECT_FALSE(ask(rules::privileged_port, inet_bind(EACCES, tcp4("0.0.0.0", 0))));
  EXPECT_FALSE(ask(rules::privileged_port, inet_bind(EADDRINUSE, tcp4("0.0.0.0", 80))));
  EXPECT_FALSE(ask(rules::privileged_port, unix_call(Syscall::bind, EACCES, "/run/x", 9)));
  Event lowered = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  std::get<SocketCall>(lowered.call).port_start = 80;
  EXPECT_FALSE(ask(rules::privileged_port, lowered));
}

}  // namespace
}  // namespace sockward::test
