// address_not_local: no interface has the address, or IPv6 is off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/interfaces.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using State = SocketCall::AddressState;

using AddressNotLocal = InterfaceTest;

TEST_F(AddressNotLocal, AnAddressThatNoInterfaceHasIsCertainWhereTheErrorOrTheKernelSideSaysSo) {
  EXPECT_EQ(diagnose(bind_to(tcp4("192.0.2.1", 80))).confidence, Confidence::certain);
  EXPECT_EQ(diagnose(bind_to(tcp6("::ffff:192.0.2.1", 80))).confidence, Confidence::certain);
  EXPECT_EQ(diagnose(bind_to(tcp6("fd00::9", 80), State::absent)).confidence, Confidence::certain);
  const Diagnosis found = diagnose(bind_to(tcp6("fd00::9", 80)));
  EXPECT_EQ(found.cause, Cause::address_not_local);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("duplicate address detection")));
}

TEST_F(AddressNotLocal, IPv6ThatIsOffIsSaidOfBindAndConnectAndIsNoLackOfPorts) {
  Event connect = inet_connect(EADDRNOTAVAIL, tcp6("::1", 80));
  call_of(connect).address_state = State::family_off;
  for (const Event& event : {bind_to(tcp6("::1", 80), State::family_off), connect}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::address_not_local);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("IPv6 is disabled on lo")));
    EXPECT_THAT(found.advice, HasSubstr("disable_ipv6=0"));
  }
}

TEST_F(AddressNotLocal, IPv6ThatIsOffByNowIsLikelyAndOnlyWhereNoInterfaceHasItOn) {
  NetworkInterface& lo = add_interface("lo");
  lo.ipv6_disabled = true;
  EXPECT_EQ(diagnose(inet_connect(EADDRNOTAVAIL, tcp6("::1", 80))).cause, Cause::address_not_local);
  EXPECT_EQ(diagnose(inet_connect(EADDRNOTAVAIL, tcp6("::1", 80))).confidence, Confidence::likely);
  EXPECT_NE(diagnose(inet_connect(EADDRNOTAVAIL, tcp4("127.0.0.1", 80))).cause, Cause::address_not_local)
      << "that is IPv4";
  EXPECT_NE(diagnose(inet_connect(EADDRNOTAVAIL, tcp6("::ffff:127.0.0.1", 80))).cause,
            Cause::address_not_local)
      << "and so is this";
  host.links[0].ipv6_disabled = false;
  EXPECT_NE(diagnose(inet_connect(EADDRNOTAVAIL, tcp6("::1", 80))).cause, Cause::address_not_local);
}

TEST_F(AddressNotLocal, ALoopbackInterfaceThatIsDownIsSaid) {
  add_interface("lo").up = false;
  const Diagnosis found = diagnose(bind_to(tcp6("::1", 80), State::absent));
  EXPECT_EQ(found.cause, Cause::address_not_local);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("lo is down")));
  EXPECT_EQ(found.advice, "ip link set lo up");
  EXPECT_THAT(diagnose(bind_to(tcp6("fd00::9", 80), State::absent)).evidence,
              Not(Contains(HasSubstr("lo is down"))));
}

TEST_F(AddressNotLocal, AddressesThatAreNotLocal) {
  EXPECT_EQ(diagnose(inet_bind(EADDRNOTAVAIL, tcp4("192.0.2.1", 80))).cause, Cause::address_not_local);
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EADDRNOTAVAIL, "/run/x", 9)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
