// Which sockets are in the way of a call.
#include "diagnose/holding.hpp"

#include <gtest/gtest.h>

#include "support/holders.hpp"

namespace sockward::test {
namespace {

TEST(ConflictingSockets, WildcardsAndMappedAddressesConflict) {
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

TEST(ConflictingSockets, SocketsOfOneUserShareAPortWhenBothAskForIt) {
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

TEST(ConflictingSockets, ReusedAddressesConflictOnlyWithAListener) {
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

}  // namespace
}  // namespace sockward::test
