// listens_on_other_address: a socket listens on the port, at another address or family.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using ListensOnOtherAddress = DiagnosisTest;

TEST_F(ListensOnOtherAddress, AListenerOnAnotherAddressIsNamedWithBothAddresses) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  const Diagnosis found = diagnose(inet_connect(ECONNREFUSED, tcp4("127.0.0.2", 80)));
  EXPECT_EQ(found.cause, Cause::listens_on_other_address);
  EXPECT_EQ(found.confidence, Confidence::likely);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listens on 127.0.0.1:80, not on 127.0.0.2:80")));
  EXPECT_THAT(found.advice, HasSubstr("connect to 127.0.0.1:80"));
}

TEST_F(ListensOnOtherAddress, AListenerOfTheOtherFamilyIsAnotherAddressUnlessItTakesBoth) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  const Diagnosis found = diagnose(inet_connect(ECONNREFUSED, tcp6("::1", 80)));
  EXPECT_EQ(found.cause, Cause::listens_on_other_address);
  EXPECT_THAT(found.advice, HasSubstr("both IPv4 and IPv6"));
  host.open_sockets[0].name = tcp_name(tcp6("::", 80));
  host.open_sockets[0].owner.traits.v6only = true;
  EXPECT_EQ(diagnose(kRefused).cause, Cause::listens_on_other_address);
  host.open_sockets[0].owner.traits.v6only = false;
  EXPECT_EQ(diagnose(kRefused).cause, Cause::nothing_listens) << "it takes IPv4 too, and may have come later";
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp6("::ffff:127.0.0.1", 80))).cause, Cause::nothing_listens);
}

TEST_F(ListensOnOtherAddress, AMultipathTcpListenerListensOnATcpPort) {
  BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  name.protocol = 262;  // IPPROTO_MPTCP
  open(name, owner(42, "go", 555));
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp4("127.0.0.2", 80))).cause,
            Cause::listens_on_other_address);
}

TEST_F(ListensOnOtherAddress, OtherPortsProtocolsAndSocketsThatDoNotListenAreNoListeners) {
  const Event event = inet_connect(ECONNREFUSED, tcp4("127.0.0.2", 80));
  open(tcp_name(tcp4("127.0.0.1", 81)), owner(42, "web", 555));
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(43, "bound", 556), OpenSocket::State::idle);
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(44, "client", 557), OpenSocket::State::connected);
  BoundName udp = tcp_name(tcp4("127.0.0.1", 80));
  udp.protocol = IPPROTO_UDP;
  open(udp, owner(45, "dns", 558), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(event).cause, Cause::nothing_listens);
}

}  // namespace
}  // namespace sockward::test
