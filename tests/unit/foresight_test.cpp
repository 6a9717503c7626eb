// What explain foretells, and how the address is written.
#include <gtest/gtest.h>

#include "base/startup_error.hpp"
#include "cli/wanted_address.hpp"
#include "diagnose/foresight.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

PathStep step(const std::string& path, std::uint32_t uid, std::uint32_t mode,
              PathObject::Kind kind = PathObject::Kind::directory) {
  return {.path = path, .object = {.kind = kind, .uid = uid, .gid = uid, .mode = mode}};
}

class ForesightOfPaths : public ::testing::Test {
 protected:
  ForesightOfPaths() {
    host.caller = Credentials{.fsuid = 998, .fsgid = 998, .groups = {}};
    host.trace =
        PathTrace{.searched = {step("/", 0, 0755), step("/run", 0, 0755), step("/run/app", 998, 0755)}};
  }
  std::optional<int> answer(Syscall syscall) {
    return foresee(unix_call(syscall, 0, "/run/app/x.sock", 18), host).error;
  }
  FakeHost host;
};

TEST_F(ForesightOfPaths, AFreeNameInTheCallersDirectoryWorks) {
  EXPECT_EQ(answer(Syscall::bind), 0);
  EXPECT_EQ(answer(Syscall::connect), ENOENT);
}

TEST_F(ForesightOfPaths, TheKernelLooksForTheNameBeforeItAsksForTheRightToMakeIt) {
  host.trace->searched.back().object.uid = 0;
  EXPECT_EQ(answer(Syscall::bind), EACCES);
  host.trace->read_only = true;
  EXPECT_EQ(answer(Syscall::bind), EROFS);
  host.trace->object = step("/run/app/x.sock", 0, 0755, PathObject::Kind::socket);
  EXPECT_EQ(answer(Syscall::bind), EADDRINUSE);
  host.trace->searched.back().object.mode = 0700;
  EXPECT_EQ(answer(Syscall::bind), EACCES);
}

TEST_F(ForesightOfPaths, AnImmutableDirectoryDeniesEverybody) {
  host.trace->searched.back().object.immutable = true;
  EXPECT_EQ(answer(Syscall::bind), EPERM);
}

TEST_F(ForesightOfPaths, ConnectNeedsTheRightToWriteThenASocketThenSomebodyWhoListens) {
  host.trace->object = step("/run/app/x.sock", 0, 0755, PathObject::Kind::socket);
  EXPECT_EQ(answer(Syscall::connect), EACCES);
  host.trace->object->object.mode = 0777;
  EXPECT_EQ(answer(Syscall::connect), ECONNREFUSED);
  host.trace->object->object.device = 1;
  host.trace->object->object.inode = 7;
  OpenSocket server{.name = {.kind = BoundName::Kind::path, .address = {}, .device = 1, .inode = 7},
                    .owner = {.comm = "app"},
                    .type = SOCK_STREAM,
                    .state = OpenSocket::State::idle,
                    .path = {}};
  host.open_sockets = {server};
  EXPECT_EQ(answer(Syscall::connect), ECONNREFUSED) << "bound, and does not listen yet";
  host.open_sockets[0].state = OpenSocket::State::listening;
  EXPECT_EQ(answer(Syscall::connect), 0);
}

TEST_F(ForesightOfPaths, WhatCannotBeLookedAtIsNotGuessed) {
  host.trace.reset();
  EXPECT_EQ(answer(Syscall::bind), std::nullopt);
  host.caller.reset();
  EXPECT_EQ(answer(Syscall::bind), std::nullopt);
}

TEST(ForesightOfPorts, AddressThenPrivilegeThenHolder) {
  FakeHost host;
  EXPECT_EQ(foresee(inet_bind(0, tcp4("127.0.0.1", 8080)), host).error, 0);
  EXPECT_EQ(foresee(inet_bind(0, tcp4("127.0.0.1", 80)), host).error, EACCES);
  host.address_is_local = false;
  EXPECT_EQ(foresee(inet_bind(0, tcp4("192.0.2.1", 80)), host).error, EADDRNOTAVAIL);
  EXPECT_EQ(foresee(inet_bind(0, tcp4("0.0.0.0", 8080)), host).error, 0);
  Event connect = inet_bind(0, tcp4("192.0.2.1", 80));
  connect.syscall = Syscall::connect;
  EXPECT_EQ(foresee(connect, host).error, std::nullopt) << "only the other side knows";
  host.route_answer = EACCES;
  EXPECT_EQ(foresee(connect, host).error, EACCES);
}

TEST(ForesightOfPorts, SaysWhenClosedConnectionsCouldNotBeLookedAt) {
  FakeHost host;
  EXPECT_EQ(foresee(inet_bind(0, tcp4("127.0.0.1", 8080)), host).because.size(), 1u);
  host.tables_readable = false;
  const auto because = foresee(inet_bind(0, tcp4("127.0.0.1", 8080)), host).because;
  ASSERT_EQ(because.size(), 2u);
  EXPECT_TRUE(
      because[1].starts_with("closed connections on the port were not looked at: read /proc/net/tcp"));
}

TEST(WantedAddress, IsReadInEveryForm) {
  EXPECT_EQ(parse_wanted_address("unix:/run/x.sock").address.name, "/run/x.sock");
  EXPECT_EQ(parse_wanted_address("unix:/run/x.sock").address_length, 14);
  EXPECT_EQ(parse_wanted_address("unix:@a\\x00b").address.name, std::string("a\0b", 3));
  EXPECT_EQ(parse_wanted_address("unix:@a").address.kind, AddressKind::abstract);
  EXPECT_EQ(parse_wanted_address("tcp:*:80").address, tcp4("0.0.0.0", 80));
  EXPECT_EQ(parse_wanted_address("udp:[::1]:53").address.ip_text(), "::1");
  EXPECT_EQ(parse_wanted_address("udp:127.0.0.1:0").protocol, IPPROTO_UDP);
}

TEST(WantedAddress, IsRefusedWithAnExample) {
  for (const char* wrong :
       {"", "unix:", "tcp:", "tcp:1.2.3.4", "tcp::80", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:x", "file:/x"})
    EXPECT_THROW(parse_wanted_address(wrong), StartupError) << wrong;
}

}  // namespace
}  // namespace sockward::test
