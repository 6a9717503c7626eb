// address_not_ready: duplicate address detection has not finished, or has failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/interfaces.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using State = SocketCall::AddressState;

using AddressNotReady = InterfaceTest;

TEST_F(AddressNotReady, ATentativeOrDuplicateAddressIsCertainWhereTheKernelSideSawIt) {
  const Diagnosis tentative = diagnose(bind_to(tcp6("fd00::9", 80), State::tentative));
  EXPECT_EQ(tentative.cause, Cause::address_not_ready);
  EXPECT_EQ(tentative.confidence, Confidence::certain);
  EXPECT_THAT(tentative.advice, HasSubstr("nodad"));
  const Diagnosis duplicate = diagnose(bind_to(tcp6("fd00::9", 80), State::duplicate));
  EXPECT_EQ(duplicate.cause, Cause::address_not_ready);
  EXPECT_EQ(duplicate.confidence, Confidence::certain);
  EXPECT_THAT(duplicate.evidence, Contains(HasSubstr("another host")));
  EXPECT_THAT(duplicate.advice, Not(HasSubstr("nodad"))) << "that would give one address to two hosts";
}

TEST_F(AddressNotReady, ALinkLocalAddressMayBeThatOfAnotherInterface) {
  for (const State state : {State::tentative, State::duplicate}) {
    const Diagnosis found = diagnose(bind_to(tcp6("fe80::1", 80), state));
    EXPECT_EQ(found.cause, Cause::address_not_ready);
    EXPECT_EQ(found.confidence, Confidence::likely);
  }
}

TEST_F(AddressNotReady, FlagsThatAreLookedUpAfterTheCallAreLikely) {
  InterfaceAddress& address = add_interface("eth0", {{.address = tcp6("fd00::9", 0)}}).addresses[0];
  address.tentative = true;
  Diagnosis found = diagnose(bind_to(tcp6("fd00::9", 80)));
  EXPECT_EQ(found.cause, Cause::address_not_ready);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("eth0 has fd00::9")));
  address.duplicate = true;
  EXPECT_THAT(diagnose(bind_to(tcp6("fd00::9", 80))).evidence, Contains(HasSubstr("dadfailed")));
  address.tentative = address.duplicate = false;
  EXPECT_EQ(diagnose(bind_to(tcp6("fd00::9", 80))).cause, Cause::address_not_local) << "it is ready by now";
}

TEST_F(AddressNotReady, OfAConnectItIsTheSourceThatIsNotReady) {
  add_interface("eth0", {{.address = tcp6("fd00::9", 0), .tentative = true}});
  Event event = inet_connect(EADDRNOTAVAIL, tcp6("fd00::1", 80));
  call_of(event).source = tcp6("fd00::9", 5000);
  EXPECT_EQ(diagnose(event).cause, Cause::address_not_ready);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
  call_of(event).source = tcp6("fd00::8", 5000);
  EXPECT_NE(diagnose(event).cause, Cause::address_not_ready) << "another address";
  EXPECT_NE(diagnose(inet_connect(EADDRNOTAVAIL, tcp6("fd00::9", 80))).cause, Cause::address_not_ready)
      << "the destination";
}

TEST_F(AddressNotReady, AnotherAddressThatIsTentativeAnotherErrorAndIpv4AreReady) {
  add_interface("eth0", {{.address = tcp6("fd00::9", 0), .tentative = true}});
  EXPECT_EQ(diagnose(bind_to(tcp6("fd00::8", 80))).cause, Cause::address_not_local);
  EXPECT_EQ(diagnose(bind_to(tcp4("192.0.2.1", 80))).cause, Cause::address_not_local);
  EXPECT_NE(diagnose(bind_to(tcp6("fd00::9", 80), State::unknown, EADDRINUSE)).cause,
            Cause::address_not_ready);
}

TEST_F(AddressNotReady, ALinkLocalAddressIsThatOfTheInterfaceOfTheCall) {
  add_interface("eth0", {{.address = tcp6("fe80::9", 0), .tentative = true}});
  add_interface("eth1");
  Event event = bind_to(tcp6("fe80::9", 80));
  call_of(event).bound_device = 2;
  EXPECT_EQ(diagnose(event).cause, Cause::address_not_local);
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("interface 2 of network namespace")));
  call_of(event).bound_device = 1;
  EXPECT_EQ(diagnose(event).cause, Cause::address_not_ready);
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("eth0 has fe80::9")));
}

}  // namespace
}  // namespace sockward::test
