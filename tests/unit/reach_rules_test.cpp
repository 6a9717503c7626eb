// Rules about connects that reached no server: where it listens instead, or what answered in its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/holders.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr NamespaceInode kOtherNet = 4026532500, kOtherMounts = 4026532501;

SocketAddress tcp6(const char* ip, std::uint16_t port) {
  SocketAddress address{.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = port};
  inet_pton(AF_INET6, ip, address.ip.data());
  return address;
}

Event connect_to(const SocketAddress& address, int error = ECONNREFUSED) {
  Event event = inet_bind(error, address);
  event.syscall = Syscall::connect;
  return event;
}

Event abstract_connect(const std::string& name, int error = ECONNREFUSED) {
  Event event = abstract_bind(name);
  event.syscall = Syscall::connect;
  event.result = -error;
  return event;
}

Event path_connect(int error, const std::string& path = "/run/app/x") {
  return unix_call(Syscall::connect, error, path, 13);
}

const Event kRefused = connect_to(tcp4("127.0.0.1", 80));

class ReachRules : public HolderRules {
 protected:
  /// A socket with a file that was bound under this path.
  OpenSocket& serve(const std::string& path, const SocketOwner& who) {
    host.open_sockets.push_back(
        {file_name(5), who, 3, SOCK_STREAM, OpenSocket::State::listening, path, 1, 0, 8});
    return host.open_sockets.back();
  }
};

// nothing_listens

TEST_F(ReachRules, APortWithoutAnySocketIsLikelyForAPacketFilterRefusesInTheSameWay) {
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_FALSE(found.holder);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("no bind of it was seen")));
  EXPECT_THAT(found.unproven, Contains(HasSubstr("packet filter")));
}

TEST_F(ReachRules, WhereNobodyLookedNoListenerIsCalledAbsent) {
  EXPECT_THAT(diagnose(kRefused).evidence, Contains("no socket listens on the port"));
  host.scans = false;
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("no socket listens"))));
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listeners are not visible")));
  host.scans = true;
  host.walk_bytes = 100;  // room for none
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  EXPECT_THAT(diagnose(kRefused).evidence, Not(Contains(HasSubstr("no socket listens"))));
}

TEST_F(ReachRules, WhoHadTheAddressLastIsNamedAndWhenItEnded) {
  SocketOwner last = owner(42, "web", 555, kBefore);
  host.binders = {{tcp_name(tcp4("127.0.0.1", 80)), last}};
  EXPECT_THAT(diagnose(kRefused).evidence, Contains(HasSubstr("web[42] (uid 33) bound it last")));
  host.binders[0].second.binding.released = {kBefore + 50'000'000};
  Diagnosis found = diagnose(kRefused);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("its socket was released 0.1 s before the call")));
  host.binders[0].second.binding.found_gone = true;
  EXPECT_THAT(diagnose(kRefused).evidence, Contains(HasSubstr("its socket was gone 0.1 s before the call")));
  host.binders[0].second.binding.time = {kAfter};
  EXPECT_FALSE(diagnose(kRefused).holder) << "who bound it after the call did not have it before";
}

TEST_F(ReachRules, ASocketThatIsBoundAndDoesNotListenIsNamed) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "slow", 555), OpenSocket::State::idle);
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::likely);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("does not listen")));
}

TEST_F(ReachRules, AListenerThatIsThereByNowIsSaidAndNotCalledAbsent) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listens there now")));
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("no socket listens"))));
}

TEST_F(ReachRules, AnAbstractNameThatNoSocketHasIsCertain) {
  const Diagnosis found = diagnose(abstract_connect("name"));
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::certain);
  open(abstract_name("name"), owner(42, "slow", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(abstract_connect("name")).confidence, Confidence::likely)
      << "a socket has it now, and that was looked up after the call";
  EXPECT_EQ(diagnose(abstract_connect("names")).confidence, Confidence::certain) << "another name";
}

TEST_F(ReachRules, ASocketFileThatIsBoundAndDoesNotListenIsNotStale) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  open(file_name(5), owner(42, "slow", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::nothing_listens);
  host.open_sockets[0].type = SOCK_DGRAM;
  EXPECT_NE(diagnose(path_connect(ECONNREFUSED)).cause, Cause::nothing_listens)
      << "datagram sockets never listen";
  host.open_sockets.clear();
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::stale_socket);
}

TEST_F(ReachRules, OtherErrorsAndOtherCallsAreNoRefusal) {
  EXPECT_NE(diagnose(connect_to(tcp4("127.0.0.1", 80), EACCES)).cause, Cause::nothing_listens);
  EXPECT_NE(diagnose(inet_bind(ECONNREFUSED, tcp4("127.0.0.1", 80))).cause, Cause::nothing_listens);
}

// listens_on_other_address

TEST_F(ReachRules, AListenerOnAnotherAddressIsNamedWithBothAddresses) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  const Diagnosis found = diagnose(connect_to(tcp4("127.0.0.2", 80)));
  EXPECT_EQ(found.cause, Cause::listens_on_other_address);
  EXPECT_EQ(found.confidence, Confidence::likely);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listens on 127.0.0.1:80, not on 127.0.0.2:80")));
  EXPECT_THAT(found.advice, HasSubstr("connect to 127.0.0.1:80"));
}

TEST_F(ReachRules, AListenerOfTheOtherFamilyIsAnotherAddressUnlessItTakesBoth) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  const Diagnosis found = diagnose(connect_to(tcp6("::1", 80)));
  EXPECT_EQ(found.cause, Cause::listens_on_other_address);
  EXPECT_THAT(found.advice, HasSubstr("both IPv4 and IPv6"));
  host.open_sockets[0].name = tcp_name(tcp6("::", 80));
  host.open_sockets[0].owner.traits.v6only = true;
  EXPECT_EQ(diagnose(kRefused).cause, Cause::listens_on_other_address);
  host.open_sockets[0].owner.traits.v6only = false;
  EXPECT_EQ(diagnose(kRefused).cause, Cause::nothing_listens) << "it takes IPv4 too, and may have come later";
  EXPECT_EQ(diagnose(connect_to(tcp6("::ffff:127.0.0.1", 80))).cause, Cause::nothing_listens);
}

TEST_F(ReachRules, AMultipathTcpListenerListensOnATcpPort) {
  BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  name.protocol = 262;  // IPPROTO_MPTCP
  open(name, owner(42, "go", 555));
  EXPECT_EQ(diagnose(connect_to(tcp4("127.0.0.2", 80))).cause, Cause::listens_on_other_address);
}

TEST_F(ReachRules, OtherPortsProtocolsAndSocketsThatDoNotListenAreNoListeners) {
  const Event event = connect_to(tcp4("127.0.0.2", 80));
  open(tcp_name(tcp4("127.0.0.1", 81)), owner(42, "web", 555));
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(43, "bound", 556), OpenSocket::State::idle);
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(44, "client", 557), OpenSocket::State::connected);
  BoundName udp = tcp_name(tcp4("127.0.0.1", 80));
  udp.protocol = IPPROTO_UDP;
  open(udp, owner(45, "dns", 558), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(event).cause, Cause::nothing_listens);
}

// served_in_other_namespace

TEST_F(ReachRules, APathThatIsServedInAnotherMountNamespaceIsLikelyAtMost) {
  serve("/run/app/x", owner(42, "app", 555)).owner.process.mntns = kOtherMounts;
  for (const int error : {ENOENT, ECONNREFUSED}) {
    const Diagnosis found = diagnose(path_connect(error));
    EXPECT_EQ(found.cause, Cause::served_in_other_namespace) << error;
    EXPECT_EQ(found.confidence, Confidence::likely);
    EXPECT_EQ(found.holder->pid, 42u);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("in mount namespace 4026532501")));
    EXPECT_THAT(found.unproven, Contains(HasSubstr("concluded from the name alone")));
  }
}

TEST_F(ReachRules, TheMountNamespaceIsAskedForWhereTheScanDoesNotHaveIt) {
  serve("/run/app/x", owner(42, "app", 555));
  EXPECT_NE(diagnose(path_connect(ENOENT)).cause, Cause::served_in_other_namespace)
      << "nothing is known of it";
  host.mount_namespaces[42] = kOtherMounts;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::served_in_other_namespace);
  host.mount_namespaces[42] = an_actor().mntns;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::path_missing) << "the caller's own";
}

TEST_F(ReachRules, AFileWithoutANameAnotherPathAndAMereConnectionAreNotServedElsewhere) {
  OpenSocket& socket = serve("/run/app/x", owner(42, "app", 555));
  socket.owner.process.mntns = kOtherMounts;
  socket.links = 0;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::path_missing);
  socket.links = 1;
  socket.state = OpenSocket::State::connected;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::path_missing);
  socket.state = OpenSocket::State::listening;
  EXPECT_EQ(diagnose(path_connect(ENOENT, "/run/app/y")).cause, Cause::path_missing);
  EXPECT_NE(diagnose(unix_call(Syscall::bind, ENOENT, "/run/app/x", 13)).cause,
            Cause::served_in_other_namespace)
      << "who binds looks for no server";
}

TEST_F(ReachRules, AnAbstractNameOfAnotherNetworkNamespaceIsFound) {
  BoundName name = abstract_name("x11");
  name.netns = kOtherNet;
  open(name, owner(42, "Xorg", 555));
  const Diagnosis found = diagnose(abstract_connect("x11"));
  EXPECT_EQ(found.cause, Cause::served_in_other_namespace);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_EQ(diagnose(abstract_connect("x1")).cause, Cause::nothing_listens);
  EXPECT_EQ(diagnose(abstract_connect(std::string("x11\0", 4))).cause, Cause::nothing_listens)
      << "one byte more is another name";
}

TEST_F(ReachRules, APortOfAnotherNetworkNamespaceIsFoundUnlessTheCallersOwnHasIt) {
  BoundName elsewhere = tcp_name(tcp4("0.0.0.0", 80));
  elsewhere.netns = kOtherNet;
  open(elsewhere, owner(42, "container", 555));
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::served_in_other_namespace);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence,
              Contains(HasSubstr("container[42] (uid 33) listens on 0.0.0.0:80 in network namespace")));
  open(tcp_name(tcp4("127.0.0.2", 80)), owner(43, "web", 556));
  EXPECT_EQ(diagnose(kRefused).cause, Cause::listens_on_other_address);
  host.open_sockets.pop_back();
  host.address_is_local = false;
  EXPECT_EQ(diagnose(connect_to(tcp4("192.0.2.1", 80))).cause, Cause::refused_by_peer)
      << "another host was meant";
}

// refused_by_peer

TEST_F(ReachRules, AnotherHostThatRefusesIsUp) {
  host.address_is_local = false;
  const Diagnosis found = diagnose(connect_to(tcp4("192.0.2.1", 80)));
  EXPECT_EQ(found.cause, Cause::refused_by_peer);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("192.0.2.1 is another host")));
}

TEST_F(ReachRules, LoopbackIsNeverAnotherHostAndWithoutARouteNothingIsClaimed) {
  host.address_is_local = false;
  for (const SocketAddress& address : {tcp4("127.0.0.1", 80), tcp6("::1", 80), tcp6("::ffff:127.0.0.1", 80)})
    EXPECT_EQ(diagnose(connect_to(address)).cause, Cause::nothing_listens);
  host.route_answer = ENETUNREACH;
  EXPECT_EQ(diagnose(connect_to(tcp4("192.0.2.1", 80))).cause, Cause::unknown);
}

// no_answer

TEST_F(ReachRules, SilenceIsLikelyForWhoDroppedThePacketsCannotBeSeen) {
  const Diagnosis found = diagnose(connect_to(tcp4("192.0.2.1", 80), ETIMEDOUT));
  EXPECT_EQ(found.cause, Cause::no_answer);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_FALSE(found.holder);
  EXPECT_EQ(diagnose(path_connect(ETIMEDOUT)).cause, Cause::unknown) << "AF_UNIX has no SYNs";
}

TEST_F(ReachRules, SilenceOfALocalListenerIsItsAcceptQueueOnlyIfThatIsFull) {
  const Event event = connect_to(tcp4("127.0.0.1", 80), ETIMEDOUT);
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "busy", 555));
  host.open_sockets[0].backlog = 1;
  host.open_sockets[0].queue = 2;
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::no_answer);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("accept queue is full now: 2 wait, its backlog is 1")));
  host.open_sockets[0].queue = 1;
  EXPECT_FALSE(diagnose(event).holder) << "there is room for one";
}

// unreachable

TEST_F(ReachRules, WithoutARouteTheRoutingTableIsQuoted) {
  host.route_answer = ENETUNREACH;
  const Diagnosis found = diagnose(connect_to(tcp4("192.0.2.1", 80), ENETUNREACH));
  EXPECT_EQ(found.cause, Cause::unreachable);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("no usable route to 192.0.2.1 (ENETUNREACH)")));
}

TEST_F(ReachRules, ANeighbourThatDoesNotAnswerIsTheGatewayIfThereIsOne) {
  const Event event = connect_to(tcp4("192.0.2.1", 80), EHOSTUNREACH);
  host.whole_route = Route{.interface = 2, .interface_name = "eth0", .neighbour = Route::Neighbour::failed};
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("192.0.2.1 does not answer on eth0")));
  host.whole_route->gateway = tcp4("192.0.2.254", 0);
  EXPECT_THAT(diagnose(event).evidence,
              Contains(HasSubstr("the gateway 192.0.2.254 does not answer on eth0")));
}

TEST_F(ReachRules, WithARouteItIsAnAnswerOfARouterOrAFilter) {
  host.whole_route =
      Route{.interface = 2, .interface_name = "eth0", .neighbour = Route::Neighbour::answering};
  const Diagnosis found = diagnose(connect_to(tcp4("192.0.2.1", 80), EHOSTUNREACH));
  EXPECT_EQ(found.cause, Cause::unreachable);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("there is a route to 192.0.2.1 via eth0")));
}

TEST_F(ReachRules, AnInterfaceThatIsDownIsSaid) {
  host.route_answer = ENETUNREACH;
  host.links = {{.index = 1, .name = "lo", .up = false, .loopback = true, .addresses = {}},
                {.index = 2, .name = "eth0", .up = true, .addresses = {}}};
  const Diagnosis found = diagnose(connect_to(tcp4("127.0.0.1", 80), ENETUNREACH));
  EXPECT_THAT(found.evidence, Contains("lo is down"));
  EXPECT_THAT(found.evidence, Not(Contains("eth0 is down")));
  EXPECT_EQ(diagnose(inet_bind(ENETUNREACH, tcp4("127.0.0.1", 80))).cause, Cause::unknown)
      << "bind goes nowhere";
}

// accept_queue_full

TEST_F(ReachRules, AFullQueueIsCertainWithAServerThatWasThereBeforeTheCall) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  OpenSocket& server = serve("/run/app/x", owner(42, "busy", 555));
  server.backlog = 1;
  server.queue = 2;
  EXPECT_EQ(diagnose(path_connect(EAGAIN)).confidence, Confidence::likely)
      << "it may have come after the call";
  host.binders = {{file_name(5), owner(42, "busy", 555, kBefore)}};
  const Diagnosis found = diagnose(path_connect(EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.unproven, IsEmpty());
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains("its backlog is 1; 2 connections wait now"));
}

TEST_F(ReachRules, AFullQueueOfAnAbstractNameIsFoundAndThatOfAServerThatHasGoneIsStillSo) {
  open(abstract_name("busy"), owner(42, "busy", 555));
  host.binders = {{abstract_name("busy"), owner(42, "busy", 555, kBefore)}};
  Diagnosis found = diagnose(abstract_connect("busy", EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::certain);
  host.open_sockets.clear();
  host.binders.clear();
  found = diagnose(abstract_connect("busy", EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_FALSE(found.holder);
}

TEST_F(ReachRules, TheServerOfAFullQueueIsNamedWhenItHasGoneSince) {
  SocketOwner server = owner(42, "busy", 555, kBefore);
  server.binding.listened = true;
  server.binding.released = {kAfter};
  host.binders = {{abstract_name("busy"), server}};
  const Diagnosis found = diagnose(abstract_connect("busy", EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  server.binding.released = {kBefore + 1};
  host.binders = {{abstract_name("busy"), server}};
  EXPECT_FALSE(diagnose(abstract_connect("busy", EAGAIN)).holder) << "it had gone before the call";
}

TEST_F(ReachRules, ABinderThatIsNotSeenIsTheServerOnlyIfThePathLedToItsFileAtTheCall) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  host.binders = {{file_name(5), owner(42, "busy", 555, kBefore)}};
  EXPECT_EQ(diagnose(path_connect(EAGAIN)).confidence, Confidence::certain) << "its socket is in flight";
  host.objects["/run/app/x"].changed = {kAfter};
  host.objects["/run/app"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  const Diagnosis found = diagnose(path_connect(EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::likely) << "another file may have had the name";
}

TEST_F(ReachRules, DatagramsAndInternetSocketsHaveNoSuchQueue) {
  Event datagram = path_connect(EAGAIN);
  std::get<SocketCall>(datagram.call).type = SOCK_DGRAM;
  EXPECT_EQ(diagnose(datagram).cause, Cause::unknown);
  EXPECT_EQ(diagnose(connect_to(tcp4("127.0.0.1", 80), EAGAIN)).cause, Cause::unknown);
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EAGAIN, "/run/app/x", 13)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
