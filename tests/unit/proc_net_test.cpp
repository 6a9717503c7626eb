#include "host/network/proc_net.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace sockward {
namespace {

SocketAddress endpoint(const std::string& ip, std::uint16_t port) {
  const bool six = ip.find(':') != std::string::npos;
  SocketAddress address{.kind = six ? AddressKind::inet6 : AddressKind::inet, .port = port};
  EXPECT_EQ(inet_pton(six ? AF_INET6 : AF_INET, ip.c_str(), address.ip.data()), 1);
  return address;
}

constexpr const char* kFour =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100\n"
    "   1: 0100007F:1F90 0200000A:C350 01 00000000:00000000 02:000002B4 00000000  1000        0 4711 1 0 20\n"
    "   2: 0100007F:1F90 0200000A:C351 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0\n";
constexpr const char* kSix =
    "   0: 00000000000000000000000001000000:0050 B80D0120000000000000000009000000:1F90 08 0:0 00:0 0 0 0 12\n"
    "   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000200000A:C352 05 0:0 00:0 0 0 0 "
    "13\n";

TEST(TcpTable, AConnectionIsFoundByItsFourNumbers) {
  const auto found = find_connection(kFour, endpoint("127.0.0.1", 8080), endpoint("10.0.0.2", 50000));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->socket_inode, 4711u);
  EXPECT_EQ(found->state, "ESTABLISHED");
  const auto waiting = find_connection(kFour, endpoint("127.0.0.1", 8080), endpoint("10.0.0.2", 50001));
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->socket_inode, 0u);
  EXPECT_EQ(waiting->state, "TIME_WAIT");
  EXPECT_FALSE(find_connection(kFour, endpoint("127.0.0.1", 8081), endpoint("10.0.0.2", 50000)));
  EXPECT_FALSE(find_connection(kFour, endpoint("10.0.0.2", 50000), endpoint("127.0.0.1", 8080)));
}

TEST(TcpTable, Ipv4AndItsMappedFormAreTheSame) {
  EXPECT_TRUE(find_connection(kFour, endpoint("::ffff:127.0.0.1", 8080), endpoint("10.0.0.2", 50000)));
  const auto mapped = find_connection(kSix, endpoint("127.0.0.1", 8080), endpoint("10.0.0.2", 50002));
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->state, "FIN_WAIT2");
  EXPECT_EQ(find_connection(kSix, endpoint("::1", 80), endpoint("2001:db8::9", 8080))->socket_inode, 12u);
}

TEST(TcpTable, BadBytesAreNoConnection) {
  const SocketAddress any = endpoint("0.0.0.0", 0), path{.kind = AddressKind::path};
  for (const char* wrong :
       {"", "\n\n", "0: x y z", "0: 00000000:0 00000000:FFFFF 01 0 0 0 0 0 1",
        "0: 0000000G:0000 00000000:0000 01 0 0 0 0 0 1", "0: :: :: 01", "0: 00000000:0000 00000000:0000"})
    EXPECT_FALSE(find_connection(wrong, any, any)) << wrong;
  EXPECT_FALSE(find_connection(kFour, path, path));
  EXPECT_EQ(find_connection("0: 00000000:0000 00000000:0000 FFFFFFFF 0 0 0 0 0 1", any, any)->state,
            "UNKNOWN");
}

TEST(UnixTable, ANameIsTheLastComponentOfALine) {
  const std::string table =
      "ffff: 00000002 00000000 00010000 0001 01 4711 /run/a b.sock\nffff: 2 0 1 1 1 1 c.sock\n";
  for (const char* name : {"a b.sock", "c.sock"}) EXPECT_TRUE(lists_socket_named(table, name)) << name;
  for (const char* name : {"a", ".sock", "run", "b.soc"})
    EXPECT_FALSE(lists_socket_named(table, name)) << name;
}

// A name may hold a newline, and the table does not escape it: it must not look as if nobody had it.
TEST(UnixTable, ANameWithANewlineIsFoundByItsEnd) {
  const std::string table = "ffff: 2 0 1 1 1 1 /run/a\nb.sock\nffff: 2 0 1 1 1 1 /run/c\n\n";
  EXPECT_TRUE(lists_socket_named(table, "a\nb.sock"));
  EXPECT_TRUE(lists_socket_named(table, "c\n"));
  EXPECT_FALSE(lists_socket_named(table, "a\nc.sock"));
  EXPECT_FALSE(lists_socket_named("ffff: 2 0 1 1 1 1 /run/b.sock\n", "a\nb.sock"));
}

TEST(TcpTable, KnowsTimeWaitAndItsAge) {
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
}  // namespace sockward
