// Rules about addresses that the network namespace cannot give: not there, not ready, taken, or without an
// interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/holders.hpp"

namespace sockward::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using State = SocketCall::AddressState;

SocketAddress ipv6(const char* ip, std::uint16_t port = 80) {
  SocketAddress address{.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = port};
  inet_pton(AF_INET6, ip, address.ip.data());
  return address;
}

Event bind_to(const SocketAddress& address, State state = State::unknown, int error = EADDRNOTAVAIL) {
  Event event = inet_bind(error, address);
  std::get<SocketCall>(event.call).address_state = state;
  return event;
}

Event connect_to(const SocketAddress& address, int error = EADDRNOTAVAIL) {
  Event event = inet_bind(error, address);
  event.syscall = Syscall::connect;
  return event;
}

SocketCall& call_of(Event& event) {
  return std::get<SocketCall>(event.call);
}

class AddressRules : public HolderRules {
 protected:
  NetworkInterface& add_interface(const std::string& name, std::vector<InterfaceAddress> addresses = {}) {
    host.links.push_back({.index = static_cast<std::uint32_t>(host.links.size() + 1),
                          .name = name,
                          .up = true,
                          .loopback = name == "lo",
                          .addresses = std::move(addresses)});
    return host.links.back();
  }
};

// address_not_ready

TEST_F(AddressRules, ATentativeOrDuplicateAddressIsCertainWhereTheKernelSideSawIt) {
  const Diagnosis tentative = diagnose(bind_to(ipv6("fd00::9"), State::tentative));
  EXPECT_EQ(tentative.cause, Cause::address_not_ready);
  EXPECT_EQ(tentative.confidence, Confidence::certain);
  EXPECT_THAT(tentative.advice, HasSubstr("nodad"));
  const Diagnosis duplicate = diagnose(bind_to(ipv6("fd00::9"), State::duplicate));
  EXPECT_EQ(duplicate.cause, Cause::address_not_ready);
  EXPECT_EQ(duplicate.confidence, Confidence::certain);
  EXPECT_THAT(duplicate.evidence, Contains(HasSubstr("another host")));
  EXPECT_THAT(duplicate.advice, Not(HasSubstr("nodad"))) << "that would give one address to two hosts";
}

TEST_F(AddressRules, ALinkLocalAddressMayBeThatOfAnotherInterface) {
  for (const State state : {State::tentative, State::duplicate}) {
    const Diagnosis found = diagnose(bind_to(ipv6("fe80::1"), state));
    EXPECT_EQ(found.cause, Cause::address_not_ready);
    EXPECT_EQ(found.confidence, Confidence::likely);
  }
}

TEST_F(AddressRules, FlagsThatAreLookedUpAfterTheCallAreLikely) {
  InterfaceAddress& address = add_interface("eth0", {{.address = ipv6("fd00::9", 0)}}).addresses[0];
  address.tentative = true;
  Diagnosis found = diagnose(bind_to(ipv6("fd00::9")));
  EXPECT_EQ(found.cause, Cause::address_not_ready);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("eth0 has fd00::9")));
  address.duplicate = true;
  EXPECT_THAT(diagnose(bind_to(ipv6("fd00::9"))).evidence, Contains(HasSubstr("dadfailed")));
  address.tentative = address.duplicate = false;
  EXPECT_EQ(diagnose(bind_to(ipv6("fd00::9"))).cause, Cause::address_not_local) << "it is ready by now";
}

TEST_F(AddressRules, OfAConnectItIsTheSourceThatIsNotReady) {
  add_interface("eth0", {{.address = ipv6("fd00::9", 0), .tentative = true}});
  Event event = connect_to(ipv6("fd00::1"));
  call_of(event).source = ipv6("fd00::9", 5000);
  EXPECT_EQ(diagnose(event).cause, Cause::address_not_ready);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
  call_of(event).source = ipv6("fd00::8", 5000);
  EXPECT_NE(diagnose(event).cause, Cause::address_not_ready) << "another address";
  EXPECT_NE(diagnose(connect_to(ipv6("fd00::9"))).cause, Cause::address_not_ready) << "the destination";
}

TEST_F(AddressRules, AnotherAddressThatIsTentativeAnotherErrorAndIpv4AreReady) {
  add_interface("eth0", {{.address = ipv6("fd00::9", 0), .tentative = true}});
  EXPECT_EQ(diagnose(bind_to(ipv6("fd00::8"))).cause, Cause::address_not_local);
  EXPECT_EQ(diagnose(bind_to(tcp4("192.0.2.1", 80))).cause, Cause::address_not_local);
  EXPECT_NE(diagnose(bind_to(ipv6("fd00::9"), State::unknown, EADDRINUSE)).cause, Cause::address_not_ready);
}

TEST_F(AddressRules, ALinkLocalAddressIsThatOfTheInterfaceOfTheCall) {
  add_interface("eth0", {{.address = ipv6("fe80::9", 0), .tentative = true}});
  add_interface("eth1");
  Event event = bind_to(ipv6("fe80::9"));
  call_of(event).bound_device = 2;
  EXPECT_EQ(diagnose(event).cause, Cause::address_not_local);
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("interface 2 of network namespace")));
  call_of(event).bound_device = 1;
  EXPECT_EQ(diagnose(event).cause, Cause::address_not_ready);
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("eth0 has fe80::9")));
}

// address_not_local

TEST_F(AddressRules, AnAddressThatNoInterfaceHasIsCertainWhereTheErrorOrTheKernelSideSaysSo) {
  EXPECT_EQ(diagnose(bind_to(tcp4("192.0.2.1", 80))).confidence, Confidence::certain);
  EXPECT_EQ(diagnose(bind_to(ipv6("::ffff:192.0.2.1"))).confidence, Confidence::certain);
  EXPECT_EQ(diagnose(bind_to(ipv6("fd00::9"), State::absent)).confidence, Confidence::certain);
  const Diagnosis found = diagnose(bind_to(ipv6("fd00::9")));
  EXPECT_EQ(found.cause, Cause::address_not_local);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("duplicate address detection")));
}

TEST_F(AddressRules, IPv6ThatIsOffIsSaidOfBindAndConnectAndIsNoLackOfPorts) {
  Event connect = connect_to(ipv6("::1"));
  call_of(connect).address_state = State::family_off;
  for (const Event& event : {bind_to(ipv6("::1"), State::family_off), connect}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::address_not_local);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("IPv6 is disabled on lo")));
    EXPECT_THAT(found.advice, HasSubstr("disable_ipv6=0"));
  }
}

TEST_F(AddressRules, IPv6ThatIsOffByNowIsLikelyAndOnlyWhereNoInterfaceHasItOn) {
  NetworkInterface& lo = add_interface("lo");
  lo.ipv6_disabled = true;
  EXPECT_EQ(diagnose(connect_to(ipv6("::1"))).cause, Cause::address_not_local);
  EXPECT_EQ(diagnose(connect_to(ipv6("::1"))).confidence, Confidence::likely);
  EXPECT_NE(diagnose(connect_to(tcp4("127.0.0.1", 80))).cause, Cause::address_not_local) << "that is IPv4";
  EXPECT_NE(diagnose(connect_to(ipv6("::ffff:127.0.0.1"))).cause, Cause::address_not_local)
      << "and so is this";
  host.links[0].ipv6_disabled = false;
  EXPECT_NE(diagnose(connect_to(ipv6("::1"))).cause, Cause::address_not_local);
}

TEST_F(AddressRules, ALoopbackInterfaceThatIsDownIsSaid) {
  add_interface("lo").up = false;
  const Diagnosis found = diagnose(bind_to(ipv6("::1"), State::absent));
  EXPECT_EQ(found.cause, Cause::address_not_local);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("lo is down")));
  EXPECT_EQ(found.advice, "ip link set lo up");
  EXPECT_THAT(diagnose(bind_to(ipv6("fd00::9"), State::absent)).evidence,
              Not(Contains(HasSubstr("lo is down"))));
}

// connection_exists

class SameFourNumbers : public AddressRules {
 protected:
  SameFourNumbers() {
    call_of(event).port_chosen = true;
    call_of(event).source = tcp4("127.0.0.1", 5000);
    host.known_connection = KnownConnection{.socket_inode = 777, .state = "ESTABLISHED"};
  }
  Event event = connect_to(tcp4("127.0.0.1", 80));
};

TEST_F(SameFourNumbers, AreShownWithTheProcessThatHasThemOpen) {
  open(tcp_name(tcp4("127.0.0.1", 5000)), owner(42, "client", 777), OpenSocket::State::connected);
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::connection_exists);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(AllOf(HasSubstr("127.0.0.1:5000"), HasSubstr("127.0.0.1:80"),
                                             HasSubstr("ESTABLISHED"))));
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
}

TEST_F(SameFourNumbers, MayBeThoseOfAConnectionInTimeWait) {
  open(tcp_name(tcp4("127.0.0.1", 5000)), owner(42, "client", 0), OpenSocket::State::connected);
  host.known_connection = KnownConnection{.socket_inode = 0, .state = "TIME_WAIT"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::connection_exists);
  EXPECT_FALSE(found.holder) << "no process has it open";
}

TEST_F(SameFourNumbers, AreAskedForOnlyWhenTheProgramChoseThePort) {
  call_of(event).port_chosen = false;
  EXPECT_EQ(diagnose(event).cause, Cause::ports_exhausted);
  call_of(event).port_chosen = true;
  host.known_connection.reset();
  EXPECT_NE(diagnose(event).cause, Cause::connection_exists);
  EXPECT_NE(diagnose(event).cause, Cause::ports_exhausted) << "no port was looked for";
}

// scope_missing

TEST_F(AddressRules, ALinkLocalAddressWithoutAnInterfaceIsCertain) {
  add_interface("lo", {{.address = ipv6("::1", 0)}});
  add_interface("eth0", {{.address = ipv6("fd00::9", 0)}, {.address = ipv6("fe80::5", 0)}});
  add_interface("eth1", {{.address = ipv6("fe80::6", 0)}});
  for (const Event& event :
       {bind_to(ipv6("fe80::1"), State::unknown, EINVAL), connect_to(ipv6("fe80::1"), EINVAL)}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::scope_missing);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains("interfaces that have a link-local address now: eth0, eth1"));
    EXPECT_THAT(found.advice, HasSubstr("fe80::1%eth0"));
  }
}

TEST_F(AddressRules, ASecondBindIsInvalidTooSoItIsLikely) {
  Event event = bind_to(ipv6("fe80::1"), State::unknown, EINVAL);
  call_of(event).bound_port = 80;
  EXPECT_EQ(diagnose(event).cause, Cause::scope_missing);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
}

TEST_F(AddressRules, WithAScopeADeviceOrAnotherAddressNoScopeIsMissing) {
  Event event = bind_to(ipv6("fe80::1"), State::unknown, EINVAL);
  call_of(event).address.scope = 2;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown);
  call_of(event).address.scope = 0;
  call_of(event).bound_device = 2;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown);
  for (const char* other : {"fd00::1", "fec0::1", "::1", "::ffff:169.254.1.1"})
    EXPECT_EQ(diagnose(bind_to(ipv6(other), State::unknown, EINVAL)).cause, Cause::unknown) << other;
  EXPECT_EQ(diagnose(bind_to(tcp4("169.254.1.1", 80), State::unknown, EINVAL)).cause, Cause::unknown);
}

// ports_exhausted

class Ports : public AddressRules {
 protected:
  Ports() {
    call_of(any).port_low = 32768;
    call_of(any).port_high = 60999;
  }
  Event any = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 0));
};

TEST_F(Ports, OfTheNamespacesRangeAreNamed) {
  const Diagnosis found = diagnose(any);
  EXPECT_EQ(found.cause, Cause::ports_exhausted);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("net.ipv4.ip_local_port_range, 32768 to 60999")));
  EXPECT_THAT(found.advice, HasSubstr("net.ipv4.ip_local_port_range"));
}

TEST_F(Ports, OfTheSocketsOwnRangeAreNotBlamedOnTheSysctl) {
  call_of(any).own_port_low = 40000;
  call_of(any).own_port_high = 40001;
  Diagnosis found = diagnose(any);
  EXPECT_EQ(found.cause, Cause::ports_exhausted);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("(IP_LOCAL_PORT_RANGE), 40000 to 40001")));
  EXPECT_THAT(found.advice, AllOf(HasSubstr("IP_LOCAL_PORT_RANGE"), Not(HasSubstr("net.ipv4"))));
  call_of(any).own_port_low = 0;
  EXPECT_THAT(diagnose(any).evidence, Contains(HasSubstr("32768 to 40001"))) << "one end may be left open";
}

TEST_F(Ports, InUseAreCountedByNamespaceProtocolAndRange) {
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

TEST_F(Ports, ThatTheProgramNamedWereNotLookedFor) {
  Event given = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 40000));
  EXPECT_NE(diagnose(given).cause, Cause::ports_exhausted);
  Event connect = connect_to(tcp4("127.0.0.1", 80));
  call_of(connect).port_chosen = true;
  EXPECT_NE(diagnose(connect).cause, Cause::ports_exhausted);
}

// address_in_use: netlink port ids

Event netlink_bind(std::uint32_t port) {
  Event event = an_event(Syscall::bind, EADDRINUSE);
  event.call = SocketCall{.address_length = 12,
                          .address = {.kind = AddressKind::other, .family = AF_NETLINK, .netlink_port = port},
                          .is_socket = true,
                          .family = AF_NETLINK,
                          .type = SOCK_RAW,
                          .socket_netns = 4026531833};
  return event;
}

BoundName netlink_name(std::uint32_t port) {
  return {.kind = BoundName::Kind::netlink,
          .netns = 4026531833,
          .address = {.kind = AddressKind::other, .family = AF_NETLINK, .netlink_port = port}};
}

TEST_F(AddressRules, ANetlinkPortIdHasAHolder) {
  open(netlink_name(777), owner(42, "routed", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(netlink_bind(777)).confidence, Confidence::likely) << "it may have come after the call";
  host.open_at_start = host.open_sockets;
  const Diagnosis found = diagnose(netlink_bind(777));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::certain);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
}

TEST_F(AddressRules, ANetlinkPortIdOfAnotherProtocolOrNamespaceIsAnotherOne) {
  open(netlink_name(777), owner(42, "routed", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(netlink_bind(778)).cause, Cause::unknown);
  host.open_sockets[0].name.protocol = 9;  // NETLINK_AUDIT
  EXPECT_EQ(diagnose(netlink_bind(777)).cause, Cause::unknown);
  host.open_sockets[0].name.protocol = 0;
  host.open_sockets[0].name.netns = 1;
  EXPECT_EQ(diagnose(netlink_bind(777)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
