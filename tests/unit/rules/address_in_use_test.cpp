// address_in_use: who holds the address. Who came later, left before, or was not in the way does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

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

using AddressInUse = DiagnosisTest;

TEST_F(AddressInUse, AListenerBoundBeforeTheCallIsCertain) {
  const BoundName name = tcp_name(tcp4("0.0.0.0", 8080));
  open(name, owner(42, "web", 555));
  host.binders = {{name, owner(42, "web", 555, kBefore)}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::certain);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_EQ(found.holder->kind, Holder::Kind::process);
}

TEST_F(AddressInUse, WhoPublishesAPortNamesTheContainer) {
  open(tcp_name(tcp4("0.0.0.0", 8080)), owner(42, "docker-proxy", 555));
  host.open_at_start = host.open_sockets;
  const Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080));
  EXPECT_THAT(diagnose(event).advice, HasSubstr("stop pid 42")) << "its command line cannot be read";
  host.command_lines[42] = {"docker-proxy", "-proto",          "tcp",  "-host-ip",
                            "0.0.0.0",      "-host-port",      "8080", "-container-ip",
                            "172.17.0.2",   "-container-port", "80"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains("docker-proxy publishes it for port 80 of the container at 172.17.0.2 "
                                       "(its command line)"));
  EXPECT_THAT(found.advice, HasSubstr("docker ps --filter publish=8080"));
}

TEST_F(AddressInUse, OfSystemdTheSocketUnitIsNamed) {
  open(tcp_name(tcp4("0.0.0.0", 8080)), owner(1, "systemd", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_THAT(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).advice,
              HasSubstr("systemctl list-sockets"));
  host.unit_of_sockets = "web.socket";
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080)));
  EXPECT_EQ(found.holder->unit, "web.socket");
  EXPECT_THAT(found.advice, HasSubstr("systemctl stop web.socket"));
  EXPECT_EQ(found.confidence, Confidence::certain);
  host.open_sockets = host.open_at_start = {};
  open(tcp_name(tcp4("0.0.0.0", 8080)), owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).holder->unit, "")
      << "not asked of another holder";
  host.open_sockets = host.open_at_start = {};
  open(tcp_name(tcp4("0.0.0.0", 8080)), owner(42, "systemd", 555));  // of a user, or only called so
  host.open_at_start = host.open_sockets;
  const Diagnosis other = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080)));
  EXPECT_EQ(other.holder->unit, "");
  EXPECT_THAT(other.advice, Not(HasSubstr("web.socket")));
}

TEST_F(AddressInUse, AListenerOlderThanTheAgentIsCertain) {
  open(tcp_name(tcp4("0.0.0.0", 8080)), owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::certain);
}

TEST_F(AddressInUse, AListenerThatMayHaveComeLaterIsOnlyLikely) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 8080));
  open(name, owner(42, "web", 555));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::likely);
  host.binders = {{name, owner(42, "web", 555, kAfter)}};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).cause, Cause::unknown)
      << "it came later";
  host.binders = {{name, owner(41, "old", 444, kBefore)}};  // another socket was there before
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::likely);
}

TEST_F(AddressInUse, OfSeveralSocketsAListenerIsBlamedAndOneThatIsOnlyBoundIsNoProof) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 8080));
  open(name, owner(41, "bound", 551), OpenSocket::State::idle);
  open(name, owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).holder->pid, 42u);
  host.open_sockets[1].state = OpenSocket::State::idle;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::likely);
}

TEST_F(AddressInUse, ASocketThatWasPassedOnNamesBoth) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 8080));
  open(name, owner(42, "web", 555));
  host.binders = {{name, owner(1, "systemd", 555, kBefore)}};
  Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080)));
  EXPECT_EQ(found.confidence, Confidence::likely) << "it may have been passed on after the call";
  EXPECT_THAT(found.unproven, Contains(HasSubstr("may have been given the socket after the call")));
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("systemd[1] (uid 33) had bound it and passed it on")));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::certain);
}

TEST_F(AddressInUse, ASocketThatMayNotListenIsNotInItsOwnWay) {
  Event listen = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080));
  listen.syscall = Syscall::listen;
  std::get<SocketCall>(listen.call).bound_port = 8080;
  open(tcp_name(tcp4("127.0.0.1", 8080)), owner(4121, "ergo", 554), OpenSocket::State::idle);
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(listen).cause, Cause::unknown) << "its own: descriptor 3 of process 4121";
  open(tcp_name(tcp4("127.0.0.1", 8080)), owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(listen).confidence, Confidence::certain);
  EXPECT_EQ(diagnose(listen).holder->pid, 42u);
  host.open_sockets[0].fd = 4;
  host.open_sockets.pop_back();
  EXPECT_EQ(diagnose(listen).holder->pid, 4121u) << "another socket of the same process";
}

TEST_F(AddressInUse, OtherPortsProtocolsAndNamespacesDoNotHoldIt) {
  BoundName udp = tcp_name(tcp4("127.0.0.1", 8080)), elsewhere = udp;
  udp.protocol = IPPROTO_UDP;
  elsewhere.netns = 1;
  for (const BoundName& name :
       {udp, elsewhere, tcp_name(tcp4("127.0.0.1", 8081)), tcp_name(tcp4("127.0.0.2", 8080))})
    open(name, owner(42, "web", 555));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).cause, Cause::unknown);
}

TEST_F(AddressInUse, ABinderThatSharedItsPortAndLeftIsHeldAgainstNobodyUnlessItListened) {
  SocketOwner sharer = owner(42, "sharer", 555, kBefore);
  sharer.binding.released = {kAfter};
  sharer.traits.reuseaddr = true;
  host.binders = {{tcp_name(tcp4("127.0.0.1", 80)), sharer}};
  Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  std::get<SocketCall>(event.call).reuseaddr = true;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown);
  host.binders[0].second.binding.listened = true;
  EXPECT_EQ(diagnose(event).cause, Cause::address_in_use);
}

TEST_F(AddressInUse, WhoWasSeenByAWalkFromBeforeTheCallOnlyIsNotTheHolder) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  open(name, owner(42, "left", 555));
  host.open_before = host.open_at_start = host.open_sockets;
  host.open_sockets.clear();
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
  // And one that such a scan missed is found.
  open(name, owner(43, "came", 556, kBefore));
  host.open_before->clear();
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.holder->pid, 43u);
}

TEST_F(AddressInUse, AnIpv6ListenerThatTakesIpv4IsTheHolderAndOneThatIsV6OnlyIsNot) {
  open(tcp_name({.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80}),
       owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).confidence, Confidence::certain);
  host.open_sockets[0].owner.traits.v6only = true;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
}

TEST_F(AddressInUse, ABinderWhoWasNotInTheWayIsNotBlamed) {
  SocketOwner six_only = owner(42, "other", 555, kBefore);
  six_only.binding.released = {kAfter};
  host.binders = {
      {tcp_name({.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80}), six_only}};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_use)
      << "an IPv6 wildcard takes IPv4 too";
  host.binders[0].second.traits.v6only = true;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
}

TEST_F(AddressInUse, ABinderWhoseSocketWasReleasedAfterTheCallIsLikelyAndBeforeItIsNone) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  SocketOwner brief = owner(42, "brief", 555, kBefore);
  brief.binding.released = {kAfter};
  host.binders = {{name, brief}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("another process may have been given the socket")));
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  host.binders[0].second.binding.released = {kBefore + 1};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
}

TEST_F(AddressInUse, OneOfSeveralBindersThatLeftSaysSo) {
  SocketOwner exact = owner(42, "exact", 555, kBefore), wildcard = owner(43, "wildcard", 556, kBefore);
  exact.binding.released = wildcard.binding.released = {kAfter};
  host.binders = {{tcp_name(tcp4("127.0.0.1", 80)), exact}};
  const auto another = Contains(HasSubstr("another socket was bound to the port as well"));
  EXPECT_THAT(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).unproven, Not(another));
  host.binders.push_back({tcp_name(tcp4("0.0.0.0", 80)), wildcard});
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, another);
}

TEST_F(AddressInUse, ASocketThatNoProcessHasOpenIsTheKernelsAndLikelyAtMost) {
  host.uses = {{.state = PortUse::State::bound, .socket_inode = 777}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("0.0.0.0", 2049)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.holder->kind, Holder::Kind::kernel);
}

TEST_F(AddressInUse, WhenWalksCannotBeMadeNothingIsCertain) {
  host.scans = false;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_NE(diagnose(unix_call(Syscall::bind, EADDRINUSE, "/run/x", 9)).confidence, Confidence::certain);
}

TEST_F(AddressInUse, AHolderThatIsGoneIsStillNamed) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  host.binders = {{name, owner(42, "brief", 555, kBefore)}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  EXPECT_EQ(found.holder->comm, "brief");
}

// abstract names

TEST_F(AddressInUse, AnAbstractNameOfAnotherTypeIsAnotherName) {
  open(abstract_name("bus"), owner(42, "logger", 555), OpenSocket::State::idle);
  host.open_sockets[0].type = SOCK_DGRAM;
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::unknown);
  host.binders = {{abstract_name("bus"), owner(42, "logger", 555, kBefore)}};
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::unknown) << "nor is its binder blamed";
  open(abstract_name("bus"), owner(43, "bus", 556));
  host.open_at_start = host.open_sockets;
  const Diagnosis found = diagnose(abstract_bind("bus"));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_EQ(found.holder->pid, 43u);
}

TEST_F(AddressInUse, AnAbstractBinderThatAnEarlierScanShowsWithAnotherTypeIsNotBlamed) {
  SocketOwner logger = owner(42, "logger", 555, kBefore);
  logger.binding.released = {kAfter};
  host.binders = {{abstract_name("bus"), logger}};
  host.open_at_start = {open_socket(abstract_name("bus"), owner(42, "logger", 555), OpenSocket::State::idle)};
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::address_in_use);
  host.open_at_start[0].type = SOCK_DGRAM;
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::unknown);
}

TEST_F(AddressInUse, AConnectionShowsTheAbstractNameOfItsListenerAndIsNoProof) {
  open(abstract_name("bus"), owner(42, "worker", 555), OpenSocket::State::connected);
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(abstract_bind("bus")).confidence, Confidence::likely) << "it may have been accepted";
  host.binders = {{abstract_name("bus"), owner(42, "worker", 555, kBefore)}};
  EXPECT_EQ(diagnose(abstract_bind("bus")).confidence, Confidence::certain) << "it bound the name itself";
}

// socket files

TEST_F(AddressInUse, AServedSocketFileIsInUse) {
  host.objects["/run/x"] = socket_file(5, kBefore);
  open(file_name(5), owner(42, "web", 555));
  host.binders = {{file_name(5), owner(42, "web", 555, kBefore)}};
  EXPECT_EQ(diagnose(path_bind(EADDRINUSE, "/run/x")).cause, Cause::address_in_use);
  EXPECT_EQ(diagnose(path_bind(EADDRINUSE, "/run/x")).confidence, Confidence::certain);
}

TEST_F(AddressInUse, WhoHadBoundThePathIsNamedThoughItsFileIsGone) {
  SocketOwner server = owner(42, "web", 555);
  server.process.mntns = an_actor().mntns;
  serve("/run/x", server);
  const Event event = path_bind(EADDRINUSE, "/run/x");
  EXPECT_EQ(diagnose(event).cause, Cause::unknown) << "it may have been bound after the call";
  host.binders = {{file_name(5), owner(42, "web", 555, kBefore)}};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  host.open_sockets[0].owner.process.mntns = 1;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown) << "the same path in another mount namespace";
}

// netlink port ids

TEST_F(AddressInUse, ANetlinkPortIdHasAHolder) {
  open(netlink_name(777), owner(42, "routed", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(netlink_bind(777)).confidence, Confidence::likely) << "it may have come after the call";
  host.open_at_start = host.open_sockets;
  const Diagnosis found = diagnose(netlink_bind(777));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::certain);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
}

TEST_F(AddressInUse, ANetlinkPortIdOfAnotherProtocolOrNamespaceIsAnotherOne) {
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
