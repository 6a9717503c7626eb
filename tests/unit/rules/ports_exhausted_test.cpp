// ports_exhausted: the kernel was to choose a port and found none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class PortsExhausted : public DiagnosisTest {
 protected:
  PortsExhausted() {
    call_of(any).port_low = 32768;
    call_of(any).port_high = 60999;
  }
  Event any = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 0));
};

TEST_F(PortsExhausted, OnlyWhenTheKernelWasToChoose) {
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 0))).cause, Cause::ports_exhausted);
  Event listen = inet_bind(EADDRINUSE, tcp4("0.0.0.0", 0));
  listen.syscall = Syscall::listen;
  EXPECT_EQ(diagnose(listen).cause, Cause::ports_exhausted);
  std::get<SocketCall>(listen.call).bound_port = 80;
  EXPECT_EQ(diagnose(listen).cause, Cause::unknown);
  Event connect = inet_bind(EADDRNOTAVAIL, tcp4("127.0.0.1", 80));
  connect.syscall = Syscall::connect;
  EXPECT_EQ(diagnose(connect).cause, Cause::ports_exhausted);
  EXPECT_EQ(diagnose(connect).confidence, Confidence::likely);
}

TEST_F(PortsExhausted, TheNamespacesRangeIsNamed) {
  const Diagnosis found = diagnose(any);
  EXPECT_EQ(found.cause, Cause::ports_exhausted);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("net.ipv4.ip_local_port_range, 32768 to 60999")));
  EXPECT_THAT(found.advice, HasSubstr("net.ipv4.ip_local_port_range"));
}

TEST_F(PortsExhausted, TheSocketsOwnRangeIsNotBlamedOnTheSysctl) {
  call_of(any).own_port_low = 40000;
  call_of(any).own_port_high = 40001;
  Diagnosis found = diagnose(any);
  EXPECT_EQ(found.cause, Cause::ports_exhausted);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("(IP_LOCAL_PORT_RANGE), 40000 to 40001")));
  EXPECT_THAT(found.advice, AllOf(HasSubstr("IP_LOCAL_PORT_RANGE"), Not(HasSubstr("net.ipv4"))));
  call_of(any).own_port_low = 0;
  EXPECT_THAT(diagnose(any).evidence, Contains(HasSubstr("32768 to 40001"))) << "one end may be left open";
}

TEST_F(PortsExhausted, PortsInUseAreCountedByNamespaceProtocolAndRange) {
  call_of(any).own_port_low = 40000;
  call_of(any).own_port_high = 40001;
  const auto at = [](std::uint16_t port) { return tcp_name(tcp4("127.0.0.1", port)); };
  open(at(40000), owner(42, "a", 1));
  open(at(40000), owner(42, "a", 2), OpenSocket::State::connected);
  open(at(40001), owner(42, "a", 3));
  open(at(39999), owner(42, "a", 4));
  BoundName udp = at(40001), elsewhere = at(40001);
  udp.protocol = IPPROTO_UDP;
  elsewhere.netns = 1;
  open(udp, owner(43, "b", 5));
  open(elsewhere, owner(44, "c", 6));
  EXPECT_THAT(diagnose(any).evidence, Contains("open sockets use 2 of its 2 ports now"));
  host.open_sockets.erase(host.open_sockets.begin() + 2);
  EXPECT_THAT(diagnose(any).evidence, Contains("open sockets use 1 of its 2 ports now"));
}

TEST_F(PortsExhausted, PortsThatTheProgramNamedWereNotLookedFor) {
  Event given = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 40000));
  EXPECT_NE(diagnose(given).cause, Cause::ports_exhausted);
  Event connect = inet_connect(EADDRNOTAVAIL, tcp4("127.0.0.1", 80));
  call_of(connect).port_chosen = true;
  EXPECT_NE(diagnose(connect).cause, Cause::ports_exhausted);
}

}  // namespace
}  // namespace sockward::test
