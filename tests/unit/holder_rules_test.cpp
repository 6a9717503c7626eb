// Rules about who holds an address: what they must say, and what they must not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagnose/holding.hpp"
#include "host/network/proc_net.hpp"
#include "support/holders.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(HolderRules, AListenerBoundBeforeTheCallIsCertain) {
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

TEST_F(HolderRules, AListenerOlderThanTheAgentIsCertain) {
  open(tcp_name(tcp4("0.0.0.0", 8080)), owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::certain);
}

TEST_F(HolderRules, AListenerThatMayHaveComeLaterIsOnlyLikely) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 8080));
  open(name, owner(42, "web", 555));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::likely);
  host.binders = {{name, owner(42, "web", 555, kAfter)}};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).cause, Cause::unknown)
      << "it came later";
  host.binders = {{name, owner(41, "old", 444, kBefore)}};  // another socket was there before
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::likely);
}

TEST_F(HolderRules, OfSeveralSocketsAListenerIsBlamedAndOneThatIsOnlyBoundIsNoProof) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 8080));
  open(name, owner(41, "bound", 551), OpenSocket::State::idle);
  open(name, owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).holder->pid, 42u);
  host.open_sockets[1].state = OpenSocket::State::idle;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).confidence, Confidence::likely);
}

TEST_F(HolderRules, ASocketThatWasPassedOnNamesBoth) {
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

TEST_F(HolderRules, ASocketThatMayNotListenIsNotInItsOwnWay) {
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

TEST_F(HolderRules, OtherPortsProtocolsAndNamespacesDoNotHoldIt) {
  BoundName udp = tcp_name(tcp4("127.0.0.1", 8080)), elsewhere = udp;
  udp.protocol = IPPROTO_UDP;
  elsewhere.netns = 1;
  for (const BoundName& name :
       {udp, elsewhere, tcp_name(tcp4("127.0.0.1", 8081)), tcp_name(tcp4("127.0.0.2", 8080))})
    open(name, owner(42, "web", 555));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))).cause, Cause::unknown);
}

TEST_F(HolderRules, WildcardsAndMappedAddressesConflict) {
  SocketAddress any6{.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80}, mapped = any6;
  mapped.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};
  const auto call = [](const SocketAddress& address) {
    return std::get<SocketCall>(inet_bind(EADDRINUSE, address).call);
  };
  const auto held = [](const SocketAddress& address) {
    return OpenSocket{.name = tcp_name(address), .owner = owner(42, "web", 555), .path = {}};
  };
  const SocketAddress wanted = tcp4("127.0.0.1", 80);
  EXPECT_TRUE(conflicts(held(any6), call(wanted)));
  EXPECT_TRUE(conflicts(held(wanted), call(any6)));
  EXPECT_TRUE(conflicts(held(mapped), call(wanted)));
  EXPECT_TRUE(conflicts(held(tcp4("0.0.0.0", 80)), call(wanted)));
  mapped.ip[15] = 2;
  EXPECT_FALSE(conflicts(held(mapped), call(wanted)));
  // IPV6_V6ONLY on either side, and two interfaces, keep them apart.
  OpenSocket six_only = held(any6);
  six_only.owner.traits.v6only = true;
  EXPECT_FALSE(conflicts(six_only, call(wanted)));
  SocketCall v6only = call(any6);
  v6only.v6only = true;
  EXPECT_FALSE(conflicts(held(wanted), v6only));
  OpenSocket elsewhere = held(wanted);
  elsewhere.owner.traits.bound_device = 2;
  SocketCall here = call(wanted);
  here.bound_device = 3;
  EXPECT_FALSE(conflicts(elsewhere, here));
  here.bound_device = 2;
  EXPECT_TRUE(conflicts(elsewhere, here));
}

TEST_F(HolderRules, SocketsOfOneUserShareAPortWhenBothAskForIt) {
  SocketCall wanted = std::get<SocketCall>(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)).call);
  OpenSocket held{.name = tcp_name(tcp4("127.0.0.1", 80)), .owner = owner(42, "web", 555), .path = {}};
  held.owner.traits.socket_uid = wanted.socket_uid = 998;
  held.owner.traits.reuseport = true;
  EXPECT_TRUE(conflicts(held, wanted));
  wanted.reuseport = true;
  EXPECT_FALSE(conflicts(held, wanted));
  held.owner.process.uid = 33;  // the server gave up root since; who made its socket counts
  EXPECT_FALSE(conflicts(held, wanted));
  wanted.socket_uid = 1000;
  EXPECT_TRUE(conflicts(held, wanted)) << "two users do not";
}

TEST_F(HolderRules, ReusedAddressesConflictOnlyWithAListener) {
  SocketCall wanted = std::get<SocketCall>(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)).call);
  OpenSocket held{.name = tcp_name(tcp4("127.0.0.1", 80)), .owner = owner(42, "web", 555), .path = {}};
  held.owner.traits.reuseaddr = true;
  EXPECT_TRUE(conflicts(held, wanted)) << "one of the two is not enough";
  wanted.reuseaddr = true;
  EXPECT_FALSE(conflicts(held, wanted));
  held.state = OpenSocket::State::connected;
  EXPECT_FALSE(conflicts(held, wanted));
  held.state = OpenSocket::State::listening;
  EXPECT_TRUE(conflicts(held, wanted));
}

TEST_F(HolderRules, ABinderThatSharedItsPortAndLeftIsHeldAgainstNobodyUnlessItListened) {
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

TEST_F(HolderRules, WhoWasSeenByAWalkFromBeforeTheCallOnlyIsNotTheHolder) {
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

TEST_F(HolderRules, AnIpv6ListenerThatTakesIpv4IsTheHolderAndOneThatIsV6OnlyIsNot) {
  open(tcp_name({.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80}),
       owner(42, "web", 555));
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).confidence, Confidence::certain);
  host.open_sockets[0].owner.traits.v6only = true;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
}

TEST_F(HolderRules, ABinderWhoWasNotInTheWayIsNotBlamed) {
  SocketOwner six_only = owner(42, "other", 555, kBefore);
  six_only.binding.released = {kAfter};
  host.binders = {
      {tcp_name({.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80}), six_only}};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_use)
      << "an IPv6 wildcard takes IPv4 too";
  host.binders[0].second.traits.v6only = true;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
}

TEST_F(HolderRules, ABinderWhoseSocketWasReleasedAfterTheCallIsLikelyAndBeforeItIsNone) {
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

TEST_F(HolderRules, OneOfSeveralBindersThatLeftSaysSo) {
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

TEST_F(HolderRules, ASocketThatNoProcessHasOpenIsTheKernelsAndLikelyAtMost) {
  host.uses = {{.state = PortUse::State::bound, .socket_inode = 777}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("0.0.0.0", 2049)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.holder->kind, Holder::Kind::kernel);
}

Event taking_bind(std::uint64_t old_inode) {
  Event event = unix_call(Syscall::bind, 0, "/run/redis.sock", 110);
  std::get<SocketCall>(event.call).replaced = FileId{8, old_inode};
  return event;
}

TEST_F(HolderRules, ANameTakenFromALiveListenerIsStolen) {
  open(file_name(5), owner(42, "redis-server", 555));
  host.open_sockets[0].links = 0;
  host.open_at_start = host.open_sockets;
  const Diagnosis found = diagnose(taking_bind(5));
  EXPECT_EQ(found.cause, Cause::name_stolen);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_EQ(found.holder->pid, 42u);
}

TEST_F(HolderRules, AnotherPathMayBeAnotherNameAndIsNotCertain) {
  open(file_name(5), owner(42, "redis-server", 555));
  host.open_sockets[0].links = 0;
  host.open_sockets[0].path = "/run/redis.sock";
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(taking_bind(5)).confidence, Confidence::certain);
  host.open_sockets[0].path = "/run/old/redis.sock";
  EXPECT_EQ(diagnose(taking_bind(5)).cause, Cause::name_stolen);
  EXPECT_EQ(diagnose(taking_bind(5)).confidence, Confidence::likely);
  host.open_sockets[0].path = "redis.sock";
  EXPECT_EQ(diagnose(taking_bind(5)).confidence, Confidence::certain) << "a relative one says nothing";
}

TEST_F(HolderRules, ARestartARenameAndAnotherFileAreNoTheft) {
  EXPECT_EQ(diagnose(taking_bind(5)).cause, Cause::unknown);  // the old server has gone
  open(file_name(5), owner(42, "redis-server", 555));         // it was renamed: its file has a name
  EXPECT_EQ(diagnose(taking_bind(5)).cause, Cause::unknown);
  host.open_sockets[0].links = 0;
  EXPECT_EQ(diagnose(taking_bind(6)).cause, Cause::unknown);
}

TEST_F(HolderRules, WhenWalksCannotBeMadeNothingIsCertain) {
  host.scans = false;
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_NE(diagnose(unix_call(Syscall::bind, EADDRINUSE, "/run/x", 9)).confidence, Confidence::certain);
}

TEST_F(HolderRules, AHolderThatIsGoneIsStillNamed) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  host.binders = {{name, owner(42, "brief", 555, kBefore)}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  EXPECT_EQ(found.holder->comm, "brief");
}

TEST_F(HolderRules, OnlyConnectionsMeanConnectionStillOpenAndNeverCertain) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555), OpenSocket::State::connected);
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::connection_still_open);
  EXPECT_EQ(found.confidence, Confidence::likely);
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(43, "web", 556));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_use);
}

TEST_F(HolderRules, DescriptorsOfOneConnectionAreCountedOnce) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  for (const std::uint32_t tgid : {42u, 42u, 43u})
    open(name, owner(tgid, "web", 555), OpenSocket::State::connected);
  const Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("web[42] (uid 33) has 1 open connection on it")));
  open(name, owner(42, "web", 556), OpenSocket::State::connected);
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("has 2 open connections on it")));
}

TEST_F(HolderRules, WhatAGoneListenerLeftBehindComesBeforeItsMemory) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  host.binders = {{name, owner(42, "web", 555, kBefore)}};
  open(name, owner(42, "web", 556), OpenSocket::State::connected);
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::connection_still_open);
  host.open_sockets.clear();
  host.uses = {{.state = PortUse::State::time_wait}};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_time_wait);
}

TEST_F(HolderRules, TimeWaitNeedsThatNobodyHasThePort) {
  host.uses = {{.state = PortUse::State::time_wait, .age = std::chrono::milliseconds(2500)}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_time_wait);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("2.5 s")));
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_use);
}

TEST_F(HolderRules, WhereNobodyLookedThePortIsNotCalledUnheld) {
  host.uses = {{.state = PortUse::State::time_wait}};
  const Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("no process has the port open")));
  host.scans = false;
  EXPECT_EQ(diagnose(event).cause, Cause::address_in_time_wait);
  EXPECT_THAT(diagnose(event).evidence, Not(Contains(HasSubstr("no process has the port open"))));
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("holders are not visible")));
}

TEST_F(HolderRules, AnAbstractNameInAnotherPidNamespaceIsACollision) {
  SocketOwner other = owner(42, "criu", 555, kBefore);
  host.binders = {{abstract_name("/crtools-fd-3-0"), other}};
  EXPECT_EQ(diagnose(abstract_bind("/crtools-fd-3-0")).cause, Cause::address_in_use)
      << "the same pid namespace";
  host.binders[0].second.process.pidns = 4026532001;
  const Diagnosis found = diagnose(abstract_bind("/crtools-fd-3-0"));
  EXPECT_EQ(found.cause, Cause::abstract_name_collision);
  EXPECT_EQ(found.holder->pidns, 4026532001u);
  EXPECT_THAT(found.advice, HasSubstr("criu 4.1"));
  Event elsewhere = abstract_bind("/crtools-fd-3-0");
  std::get<SocketCall>(elsewhere.call).socket_netns = 1;
  EXPECT_EQ(diagnose(elsewhere).cause, Cause::unknown) << "another network namespace has names of its own";
  EXPECT_EQ(diagnose(abstract_bind("/crtools-fd-3")).cause, Cause::unknown);
}

TEST_F(HolderRules, AnAbstractNameOfAnotherTypeIsAnotherName) {
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

TEST_F(HolderRules, AnAbstractBinderThatAnEarlierScanShowsWithAnotherTypeIsNotBlamed) {
  SocketOwner logger = owner(42, "logger", 555, kBefore);
  logger.binding.released = {kAfter};
  host.binders = {{abstract_name("bus"), logger}};
  host.open_at_start = {{abstract_name("bus"), owner(42, "logger", 555), 3, SOCK_STREAM}};
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::address_in_use);
  host.open_at_start[0].type = SOCK_DGRAM;
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::unknown);
}

TEST_F(HolderRules, AConnectionShowsTheAbstractNameOfItsListenerAndIsNoProof) {
  open(abstract_name("bus"), owner(42, "worker", 555), OpenSocket::State::connected);
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(abstract_bind("bus")).confidence, Confidence::likely) << "it may have been accepted";
  host.binders = {{abstract_name("bus"), owner(42, "worker", 555, kBefore)}};
  EXPECT_EQ(diagnose(abstract_bind("bus")).confidence, Confidence::certain) << "it bound the name itself";
}

TEST_F(HolderRules, PortsAreExhaustedOnlyWhenTheKernelWasToChoose) {
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

TEST_F(HolderRules, AddressesThatAreNotLocal) {
  EXPECT_EQ(diagnose(inet_bind(EADDRNOTAVAIL, tcp4("192.0.2.1", 80))).cause, Cause::address_not_local);
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EADDRNOTAVAIL, "/run/x", 9)).cause, Cause::unknown);
}

TEST_F(HolderRules, ReadOnlyFileSystems) {
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EROFS, "/run/x", 9)).cause, Cause::read_only_filesystem);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EROFS, "/run/x")).cause, Cause::read_only_filesystem);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EACCES, "/run/x")).cause, Cause::unknown);
}

TEST_F(HolderRules, ARefusedSymlinkIsNamedWithItsTarget) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 6;
  host.symlinks["/opt/rootfs"] = {.path = "/opt", .target = "/home/opt"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/opt is a symbolic link to /home/opt")));
  EXPECT_THAT(found.advice, HasSubstr("mount --bind /home/opt /opt"));
  host.symlinks.clear();
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely) << "no link to be seen";
  std::get<PathCall>(event.call).resolve = 0;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown) << "a loop, not a policy";
}

TEST_F(HolderRules, ALinkInADirectoryThatWasPutThereSinceIsNotCertain) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/app/rootfs");
  std::get<PathCall>(event.call).resolve = 4;
  host.symlinks["/opt/app/rootfs"] = {.path = "/opt/app/rootfs", .target = "/home/opt", .changed = {1}};
  EXPECT_EQ(diagnose(event).confidence, Confidence::certain);
  host.objects["/opt"] = host.objects["/opt/app"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::likely) << "another directory may have had the name";
}

TEST_F(HolderRules, APathThatBeginsAtADirectoryOfTheCallIsNotLookedUpFromTheRoot) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 4 | 16;  // RESOLVE_IN_ROOT
  host.symlinks["/opt/rootfs"] = {.path = "/opt", .target = "/home/opt"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("/home/opt"))));
}

TEST_F(HolderRules, BroadcastIsLikely) {
  Event event = inet_bind(EACCES, tcp4("255.255.255.255", 9));
  event.syscall = Syscall::connect;
  EXPECT_EQ(diagnose(event).cause, Cause::broadcast_denied);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
  std::get<SocketCall>(event.call).address = tcp4("127.0.0.1", 9);
  EXPECT_NE(diagnose(event).cause, Cause::broadcast_denied);
}

TEST(OrphanTable, KnowsTimeWaitAndItsAge) {
  std::vector<PortUse> found;
  add_port_uses(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1F90 0100007F:C000 06 00000000:00000000 03:00001676 00000000     0        0 0 3 0\n"
      "   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 777 1\n"
      "   2: 0100007F:1F91 0100007F:C000 06 00000000:00000000 03:00001676 00000000     0        0 0 3 0\n"
      "   3: 0100007F:1F90 0100007F:C002 04 00000000:00000000 01:00000014 00000000     0        0 0 1\n"
      "garbage\n 4: x:y z\n",
      8080, found);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].state, PortUse::State::time_wait);
  EXPECT_EQ(found[0].age, std::chrono::milliseconds(60'000 - 57'500));
  EXPECT_EQ(found[1].state, PortUse::State::closing);
}

}  // namespace
}  // namespace sockward::test
