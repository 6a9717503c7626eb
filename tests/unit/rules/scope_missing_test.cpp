// scope_missing: a link-local address without an interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/interfaces.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using State = SocketCall::AddressState;

using ScopeMissing = InterfaceTest;

TEST_F(ScopeMissing, ALinkLocalAddressWithoutAnInterfaceIsCertain) {
  add_interface("lo", {{.address = tcp6("::1", 0)}});
  add_interface("eth0", {{.address = tcp6("fd00::9", 0)}, {.address = tcp6("fe80::5", 0)}});
  add_interface("eth1", {{.address = tcp6("fe80::6", 0)}});
  for (const Event& event :
       {bind_to(tcp6("fe80::1", 80), State::unknown, EINVAL), inet_connect(EINVAL, tcp6("fe80::1", 80))}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::scope_missing);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains("interfaces that have a link-local address now: eth0, eth1"));
    EXPECT_THAT(found.advice, HasSubstr("fe80::1%eth0"));
  }
}

TEST_F(ScopeMissing, ASecondBindIsInvalidTooSoItIsLikely) {
  Event event = bind_to(tcp6("fe80::1", 80), State::unknown, EINVAL);
  call_of(event).bound_port = 80;
  EXPECT_EQ(diagnose(event).cause, Cause::scope_missing);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
}

TEST_F(ScopeMissing, WithAScopeADeviceOrAnotherAddressNoScopeIsMissing) {
  Event event = bind_to(tcp6("fe80::1", 80), State::unknown, EINVAL);
  call_of(event).address.scope = 2;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown);
  call_of(event).address.scope = 0;
  call_of(event).bound_device = 2;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown);
  for (const char* other : {"fd00::1", "fec0::1", "::1", "::ffff:169.254.1.1"})
    EXPECT_EQ(diagnose(bind_to(tcp6(other, 80), State::unknown, EINVAL)).cause, Cause::unknown) << other;
  EXPECT_EQ(diagnose(bind_to(tcp4("169.254.1.1", 80), State::unknown, EINVAL)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
