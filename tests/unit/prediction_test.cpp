// What explain predicts, and how the address is written.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/startup_error.hpp"
#include "cli/wanted_address.hpp"
#include "diagnose/prediction.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using State = OpenSocket::State;

PathStep step(const std::string& path, std::uint32_t uid, std::uint32_t mode,
              PathObject::Kind kind = PathObject::Kind::directory) {
  return {.path = path, .object = {.kind = kind, .uid = uid, .gid = uid, .mode = mode}};
}

OpenSocket listener(const SocketAddress& address) {
  return {.name = {.kind = BoundName::Kind::inet,
                   .netns = 4026531833,
                   .protocol = IPPROTO_TCP,
                   .address = address},
          .owner = {.process = {.tgid = 7, .comm = "server"}},
          .type = SOCK_STREAM,
          .state = State::listening,
          .path = {}};
}

NetworkInterface interface(std::uint32_t index, const char* name, std::vector<InterfaceAddress> addresses) {
  return {.index = index,
          .name = name,
          .up = true,
          .loopback = std::string(name) == "lo",
          .addresses = std::move(addresses)};
}

bool mentions(const std::vector<std::string>& texts, const std::string& part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

class PredictionOfPaths : public ::testing::Test {
 protected:
  PredictionOfPaths() {
    host.caller = Credentials{.fsuid = 998, .fsgid = 998, .groups = {}};
    host.trace =
        PathTrace{.searched = {step("/", 0, 0755), step("/run", 0, 0755), step("/run/app", 998, 0755)}};
  }
  Prediction ask(Syscall syscall, const Surroundings& around = {}) {
    return predict(unix_call(syscall, 0, "/run/app/x.sock", 18), host, around);
  }
  int answer(Syscall syscall) { return ask(syscall).error; }
  /// A socket file, and a socket that is bound to it.
  OpenSocket serve(State state, std::uint16_t type = SOCK_STREAM) {
    host.trace->object = step("/run/app/x.sock", 0, 0777, PathObject::Kind::socket);
    host.trace->object->object.device = 1;
    host.trace->object->object.inode = 7;
    return {.name = {.kind = BoundName::Kind::path, .address = {}, .device = 1, .inode = 7},
            .owner = {.process = {.tgid = 7, .comm = "app"}},
            .type = type,
            .state = state,
            .path = {}};
  }
  FakeHost host;
};

TEST_F(PredictionOfPaths, NothingPreventsAFreeNameInTheCallersDirectory) {
  EXPECT_EQ(answer(Syscall::bind), 0);
  EXPECT_EQ(answer(Syscall::connect), ENOENT);
}

TEST_F(PredictionOfPaths, TheKernelLooksForTheNameBeforeItAsksForTheRightToMakeIt) {
  host.trace->searched.back().object.uid = 0;
  EXPECT_EQ(answer(Syscall::bind), EACCES);
  host.trace->read_only = true;
  EXPECT_EQ(answer(Syscall::bind), EROFS);
  host.trace->object = step("/run/app/x.sock", 0, 0755, PathObject::Kind::socket);
  EXPECT_EQ(answer(Syscall::bind), EADDRINUSE);
  host.trace->searched.back().object.mode = 0700;
  EXPECT_EQ(answer(Syscall::bind), EACCES);
}

TEST_F(PredictionOfPaths, ADirectoryIsSearchedBeforeWhatIsMissingInIt) {
  host.trace->missing = "/run/app/x.sock";
  EXPECT_EQ(answer(Syscall::connect), ENOENT);
  host.trace->missing_is_file = true;
  EXPECT_EQ(answer(Syscall::connect), ENOTDIR);
  host.trace->searched.back() = step("/run/app", 0, 0700);
  EXPECT_EQ(answer(Syscall::connect), EACCES);
}

TEST_F(PredictionOfPaths, AnImmutableDirectoryDeniesEverybody) {
  host.trace->searched.back().object.immutable = true;
  EXPECT_EQ(answer(Syscall::bind), EPERM);
}

TEST_F(PredictionOfPaths, SomeFileSystemsHaveNoSockets) {
  host.trace->file_system = 0x4d44;  // vfat
  EXPECT_EQ(answer(Syscall::bind), EPERM);
  host.trace->file_system = 0x01021997;  // 9p: its server decides
  const Prediction prediction = ask(Syscall::bind);
  EXPECT_EQ(prediction.error, 0);
  EXPECT_FALSE(prediction.unknown.empty());
}

TEST_F(PredictionOfPaths, ConnectNeedsTheRightToWriteThenASocketThenSomebodyWhoListens) {
  host.open_sockets = {serve(State::idle)};
  host.trace->object->object.mode = 0755;
  EXPECT_EQ(answer(Syscall::connect), EACCES);
  host.trace->object->object.kind = PathObject::Kind::file;
  EXPECT_EQ(answer(Syscall::connect), EACCES) << "of a file, too";
  host.trace->object->object.mode = 0777;
  EXPECT_EQ(answer(Syscall::connect), ECONNREFUSED) << "not a socket";
  host.trace->object->object.kind = PathObject::Kind::socket;
  EXPECT_EQ(answer(Syscall::connect), ECONNREFUSED) << "bound, and does not listen yet";
  host.open_sockets[0].state = State::listening;
  EXPECT_EQ(answer(Syscall::connect), 0);
  host.open_sockets.clear();
  EXPECT_EQ(answer(Syscall::connect), ECONNREFUSED) << "stale";
}

TEST_F(PredictionOfPaths, AFullQueueDoesNotPreventTheCallButIsMentioned) {
  OpenSocket server = serve(State::listening);
  server.queue = 6;
  server.backlog = 5;
  host.open_sockets = {server};
  const Prediction prediction = ask(Syscall::connect);
  EXPECT_EQ(prediction.error, 0);
  EXPECT_TRUE(mentions(prediction.because, "its queue is full now"));
  EXPECT_TRUE(mentions(prediction.because, "EAGAIN"));
}

TEST_F(PredictionOfPaths, AServerOfAnotherTypeIsMentioned) {
  host.open_sockets = {serve(State::idle, SOCK_DGRAM)};
  const Prediction prediction = ask(Syscall::connect);
  EXPECT_EQ(prediction.error, 0);
  EXPECT_TRUE(mentions(prediction.because, "a stream socket gets EPROTOTYPE"));
}

TEST_F(PredictionOfPaths, ASocketThatNoProcessHasOpenServesToo) {
  OpenSocket hidden = serve(State::listening);
  hidden.owner = {};
  const Surroundings around{.unowned = [&] { return std::vector{hidden}; }};
  EXPECT_EQ(ask(Syscall::connect).error, ECONNREFUSED);
  EXPECT_EQ(ask(Syscall::connect, around).error, 0);
}

TEST_F(PredictionOfPaths, WhatCannotBeLookedAtIsNotGuessed) {
  host.files_visible = false;
  host.trace.reset();
  EXPECT_EQ(ask(Syscall::bind).error, 0);
  EXPECT_FALSE(ask(Syscall::bind).unknown.empty());
}

TEST_F(PredictionOfPaths, AnAccessControlListTakesTheSureness) {
  host.trace->searched.back() = step("/run/app", 0, 0700);
  host.trace->searched.back().has_acl = true;
  const Prediction prediction = ask(Syscall::bind);
  EXPECT_EQ(prediction.error, 0);
  EXPECT_TRUE(mentions(prediction.unknown, "access-control list"));
}

TEST_F(PredictionOfPaths, EachFactIsLookedUpOnce) {
  host.open_sockets = {serve(State::listening)};
  ask(Syscall::connect);
  EXPECT_EQ(host.asked["trace_path"], 1);
  EXPECT_EQ(host.asked["scan_after"], 1);
  EXPECT_EQ(host.asked["credentials"], 1);
}

TEST(PredictionOfAbstractNames, NamesOfDifferentTypesAreDifferent) {
  FakeHost host;
  Event event = an_event(Syscall::bind, 0);
  SocketCall call{.address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = "x"},
                  .directory = {}};
  call.is_socket = true;
  call.family = AF_UNIX;
  call.type = SOCK_STREAM;
  call.address_length = 4;
  call.socket_netns = 4026531833;
  event.call = call;
  OpenSocket held{.name = {.kind = BoundName::Kind::abstract, .netns = 4026531833, .address = call.address},
                  .owner = {.process = {.tgid = 7, .comm = "server"}},
                  .type = SOCK_DGRAM,
                  .state = State::idle,
                  .path = {}};
  EXPECT_EQ(predict(event, host).error, 0);
  host.open_sockets = {held};
  EXPECT_EQ(predict(event, host).error, 0);
  host.open_sockets[0].type = SOCK_STREAM;
  EXPECT_EQ(predict(event, host).error, EADDRINUSE);
  event.syscall = Syscall::connect;
  EXPECT_EQ(predict(event, host).error, ECONNREFUSED);
  host.open_sockets[0].state = State::listening;
  EXPECT_EQ(predict(event, host).error, 0);
}

TEST(PredictionOfPorts, IPv4LooksAtTheAddressThenAtThePrivilegeThenForHolders) {
  FakeHost host;
  EXPECT_EQ(predict(inet_bind(0, tcp4("127.0.0.1", 8080)), host).error, 0);
  EXPECT_EQ(predict(inet_bind(0, tcp4("127.0.0.1", 80)), host).error, EACCES);
  host.address_is_local = false;
  host.links = {interface(1, "lo", {})};
  EXPECT_EQ(predict(inet_bind(0, tcp4("192.0.2.1", 8080)), host).error, 0) << "before the first address";
  host.links[0].addresses = {{.address = tcp4("127.0.0.1", 0)}};
  EXPECT_EQ(predict(inet_bind(0, tcp4("192.0.2.1", 80)), host).error, EADDRNOTAVAIL);
  EXPECT_EQ(predict(inet_bind(0, tcp4("192.0.2.1", 8080)), host, {.nonlocal_bind = true}).error, 0);
  EXPECT_EQ(predict(inet_bind(0, tcp4("224.0.0.1", 8080)), host).error, 0);
  EXPECT_EQ(predict(inet_bind(0, tcp4("0.0.0.0", 8080)), host).error, 0);
  host.open_sockets = {listener(tcp4("127.0.0.1", 8080))};
  EXPECT_EQ(predict(inet_bind(0, tcp4("0.0.0.0", 8080)), host).error, EADDRINUSE);
  host.open_sockets[0].state = State::connected;
  EXPECT_EQ(predict(inet_bind(0, tcp4("0.0.0.0", 8080)), host).error, EADDRINUSE);
  EXPECT_EQ(predict(inet_bind(0, tcp4("0.0.0.0", 8081)), host).error, 0);
}

TEST(PredictionOfPorts, IPv6LooksAtThePrivilegeThenAtTheAddress) {
  FakeHost host;
  host.links = {interface(1, "lo", {{.address = tcp6("::1", 0)}}), interface(2, "eth0", {})};
  EXPECT_EQ(predict(inet_bind(0, tcp6("::1", 8080)), host).error, 0);
  EXPECT_EQ(predict(inet_bind(0, tcp6("2001:db8::1", 80)), host).error, EACCES);
  EXPECT_EQ(predict(inet_bind(0, tcp6("2001:db8::1", 8080)), host).error, EADDRNOTAVAIL);
  host.links[1].addresses = {{.address = tcp6("2001:db8::1", 0), .tentative = true}};
  Prediction prediction = predict(inet_bind(0, tcp6("2001:db8::1", 8080)), host);
  EXPECT_EQ(prediction.error, EADDRNOTAVAIL);
  EXPECT_TRUE(mentions(prediction.because, "duplicate address detection still runs"));
  EXPECT_EQ(prediction.address_state, SocketCall::AddressState::tentative);
  host.links[1].addresses[0] = {.address = tcp6("2001:db8::1", 0), .duplicate = true};
  EXPECT_EQ(predict(inet_bind(0, tcp6("2001:db8::1", 8080)), host).error, EADDRNOTAVAIL);
  host.links[1].addresses[0].duplicate = false;
  EXPECT_EQ(predict(inet_bind(0, tcp6("2001:db8::1", 8080)), host).error, 0);
}

TEST(PredictionOfPorts, WithoutIPv6TheLoopbackAddressCanNeitherBeBoundNorConnectedTo) {
  FakeHost host;
  host.links = {interface(1, "lo", {})};
  host.links[0].ipv6_disabled = true;
  host.route_answer = ENETUNREACH;
  Event event = inet_bind(0, tcp6("::1", 8080));
  EXPECT_EQ(predict(event, host).error, EADDRNOTAVAIL);
  EXPECT_TRUE(mentions(predict(event, host).because, "IPv6 is disabled on lo"));
  event.syscall = Syscall::connect;
  EXPECT_EQ(predict(event, host).error, EADDRNOTAVAIL);
}

TEST(PredictionOfPorts, LinkLocalAddressesNeedAnInterfaceThatExistsAndHasThem) {
  FakeHost host;
  host.links = {interface(2, "eth0", {{.address = tcp6("fe80::1", 0, 2)}}), interface(3, "eth1", {})};
  const auto bind = [&](std::uint32_t scope) {
    return predict(inet_bind(0, tcp6("fe80::1", 8080, scope)), host).error;
  };
  EXPECT_EQ(bind(0), EINVAL);
  EXPECT_EQ(bind(2), 0);
  EXPECT_EQ(bind(3), EADDRNOTAVAIL);
  EXPECT_EQ(bind(9), ENODEV);
  Event connect = inet_bind(0, tcp6("fe80::1", 8080));
  connect.syscall = Syscall::connect;
  EXPECT_EQ(predict(connect, host).error, EINVAL);
}

TEST(PredictionOfPorts, ConnectAsksTheRouteThenForAListener) {
  FakeHost host;
  Event connect = inet_bind(0, tcp4("127.0.0.1", 80));
  connect.syscall = Syscall::connect;
  EXPECT_EQ(predict(connect, host).error, ECONNREFUSED);
  host.open_sockets = {listener(tcp4("192.0.2.7", 80))};
  EXPECT_TRUE(mentions(predict(connect, host).because, "listens on 192.0.2.7:80"));
  host.open_sockets = {listener(tcp4("127.0.0.1", 80))};
  EXPECT_EQ(predict(connect, host).error, 0);
  host.links = {interface(1, "lo", {})};
  host.links[0].up = false;
  EXPECT_TRUE(mentions(predict(connect, host).unknown, "the loopback interface is down"));
  host.links.clear();
  std::get<SocketCall>(connect.call).address = tcp4("0.0.0.0", 80);
  EXPECT_EQ(predict(connect, host).error, 0) << "which means the loopback address";
  std::get<SocketCall>(connect.call).address = tcp4("192.0.2.1", 80);
  host.address_is_local = false;
  const Prediction remote = predict(connect, host);
  EXPECT_EQ(remote.error, 0);
  EXPECT_FALSE(remote.unknown.empty()) << "only the other side knows";
  host.route_answer = EACCES;
  EXPECT_EQ(predict(connect, host).error, EACCES);
}

TEST(PredictionOfPorts, ABroadcastAddressCanBeBoundAndNeedsAnOptionToConnect) {
  FakeHost host;
  host.whole_route = Route{.broadcast = true, .interface_name = {}, .gateway = {}};
  Event event = inet_bind(0, tcp4("192.0.2.255", 8080));
  EXPECT_EQ(predict(event, host).error, 0);
  event.syscall = Syscall::connect;
  EXPECT_EQ(predict(event, host).error, ENETUNREACH);
  std::get<SocketCall>(event.call).protocol = IPPROTO_UDP;
  EXPECT_EQ(predict(event, host).error, EACCES);
}

TEST(PredictionOfPorts, ClosedConnectionsKeepAWildcardFromItsPort) {
  FakeHost host;
  host.uses = {{.state = PortUse::State::time_wait}};
  EXPECT_EQ(predict(inet_bind(0, tcp4("0.0.0.0", 8080)), host).error, EADDRINUSE);
  const Prediction one = predict(inet_bind(0, tcp4("127.0.0.1", 8080)), host);
  EXPECT_EQ(one.error, 0);
  EXPECT_TRUE(mentions(one.unknown, "if one of them is on this address"));
  host.tables_readable = false;
  EXPECT_TRUE(mentions(predict(inet_bind(0, tcp4("127.0.0.1", 8080)), host).unknown,
                       "closed connections on the port were not looked at: read /proc/net/tcp"));
}

SocketCall wanted(const std::string& text) {
  return parse_wanted_address(text).call;
}

TEST(WantedAddress, IsReadInEveryForm) {
  EXPECT_EQ(wanted("unix:/run/x.sock").address.name, "/run/x.sock");
  EXPECT_EQ(wanted("unix:/run/x.sock").address_length, 14);
  EXPECT_EQ(wanted("unix:@a\\x00b").address.name, std::string("a\0b", 3));
  EXPECT_EQ(wanted("unix:@a").address.kind, AddressKind::abstract);
  EXPECT_EQ(wanted("tcp:*:80").address, tcp4("0.0.0.0", 80));
  EXPECT_EQ(wanted("udp:[::1]:53").address.ip_text(), "::1");
  EXPECT_EQ(wanted("udp:127.0.0.1:0").protocol, IPPROTO_UDP);
}

TEST(WantedAddress, IsReadAsRecordsPrintIt) {
  const SocketAddress at_path = unix_path("@x");
  for (const SocketAddress& address :
       {unix_path("/run/x"), at_path, tcp4("127.0.0.1", 80), tcp6("::1", 80), tcp6("fe80::1", 80, 2),
        SocketAddress{.kind = AddressKind::abstract, .family = AF_UNIX, .name = std::string("a\0\x1b", 3)}}) {
    const std::string text = address_text(address)->text;
    EXPECT_EQ(wanted(text).address, address) << text;
  }
  EXPECT_EQ(wanted("127.0.0.1:80").protocol, IPPROTO_TCP);
}

TEST(WantedAddress, KeepsTheNameOfAnInterfaceForLater) {
  EXPECT_EQ(parse_wanted_address("tcp:[fe80::1%eth0]:80").interface, "eth0");
  EXPECT_EQ(parse_wanted_address("tcp:[fe80::1%4]:80").interface, "");
  EXPECT_EQ(parse_wanted_address("udp:[fe80::1%4]:80").call.address.scope, 4u);
  EXPECT_EQ(wanted("[2001:db8::1%4]:80").address.scope, 0u) << "the kernel ignores it";
}

TEST(WantedAddress, FitsWithoutItsNulOnly) {
  EXPECT_EQ(wanted("unix:/" + std::string(106, 'x')).address_length, 110);
  EXPECT_EQ(wanted("unix:/" + std::string(107, 'x')).address_length, 110);
  EXPECT_EQ(wanted("unix:/" + std::string(108, 'x')).address_length, 112);
}

TEST(WantedAddress, IsRefusedWithWhatIsWrongAndWhatToWrite) {
  for (const char* wrong :
       {"", "unix:", "tcp:", "tcp:1.2.3.4", "tcp::80", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:x", "file:/x",
        "/run/x", "@x", "tcp:::1:80", "[::1]", "tcp:[::1]", "[fe80::1%]:80", "[1.2.3.4]:80", "unix:/a\\x00b",
        "family:AF_NETLINK:7", "localhost:80"})
    try {
      parse_wanted_address(wrong);
      ADD_FAILURE() << wrong;
    } catch (const StartupError& error) {
      EXPECT_EQ(error.kind(), StartupError::Kind::usage) << wrong;
      EXPECT_NE(std::string(error.what()).find(std::string("\"") + wrong + "\""), std::string::npos)
          << error.what();
      EXPECT_FALSE(error.next_step().empty());
    }
}

}  // namespace
}  // namespace sockward::test
