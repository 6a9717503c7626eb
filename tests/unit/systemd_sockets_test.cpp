// Which socket unit of systemd has an address.
#include <gtest/gtest.h>

#include "host/units/systemd_sockets.hpp"
#include "support/builders.hpp"
#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

SocketCall call_of(const Event& event, int type = SOCK_STREAM) {
  SocketCall call = std::get<SocketCall>(event.call);
  call.type = static_cast<std::uint16_t>(type);
  return call;
}

TEST(SocketUnitAddress, IsComparedAsSystemdPrintsIt) {
  const auto listens = [](const char* address, const char* kind = "Stream") {
    return UnitAddress{.unit = "x.socket", .kind = kind, .address = address};
  };
  const SocketCall inet = call_of(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080)));
  EXPECT_TRUE(is_address_of(listens("127.0.0.1:8080"), inet));
  EXPECT_TRUE(is_address_of(listens("0.0.0.0:8080"), inet));
  EXPECT_TRUE(is_address_of(listens("[::]:8080"), inet));
  EXPECT_FALSE(is_address_of(listens("127.0.0.2:8080"), inet));
  EXPECT_FALSE(is_address_of(listens("127.0.0.1:8081"), inet));
  EXPECT_FALSE(is_address_of(listens("127.0.0.1:8080", "Datagram"), inet));
  for (const char* text : {"", ":", "[", "8080", "127.0.0.1:", "127.0.0.1:x", "/run/x:8080"})
    EXPECT_FALSE(is_address_of(listens(text), inet)) << text;
  EXPECT_TRUE(
      is_address_of(listens("127.0.0.1:8080"), call_of(inet_bind(EADDRINUSE, tcp4("0.0.0.0", 8080)))));
  const SocketCall path = call_of(unix_call(Syscall::bind, EADDRINUSE, "/run/x.sock", 14));
  EXPECT_TRUE(is_address_of(listens("/run/x.sock"), path));
  EXPECT_FALSE(is_address_of(listens("/run/x.soc"), path));
}

TEST(SystemdSockets, SayThatThereIsNoSystemd) {
  const SystemdSockets none("/nonexistent/private");
  const auto unit = none.socket_unit(call_of(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))));
  ASSERT_FALSE(unit);
  EXPECT_EQ(unit.error().code, std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace sockward::test
