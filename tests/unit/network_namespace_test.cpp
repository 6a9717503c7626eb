// Facts about a network namespace of a child's own, with nothing but a loopback interface.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "host/proc_host.hpp"
#include "host/process/process_facts.hpp"
#include "unit/held_child.hpp"

namespace sockward {
namespace {

constexpr std::uint16_t kServer = 7001, kClient = 7002;

SocketAddress loopback(std::uint16_t port) {
  return {.kind = AddressKind::inet, .family = AF_INET, .ip = {127, 0, 0, 1}, .port = port};
}

bool raise_loopback() {
  const int any = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(any, SIOCSIFFLAGS, &request) == 0;
}

int bound_socket(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? made : -1;
}

bool make_connection() {
  const int server = bound_socket(kServer), client = bound_socket(kClient);
  const sockaddr_in to{
      .sin_family = AF_INET, .sin_port = htons(kServer), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return listen(server, 1) == 0 && connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
}

bool bind_file(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int made = socket(AF_UNIX, SOCK_STREAM, 0);
  return bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

class NetworkNamespaceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, for a network namespace";
    unlink(file.c_str());
    child = std::make_unique<test::HeldChild>([this] {
      return unshare(CLONE_NEWNET) == 0 && raise_loopback() && make_connection() && bind_file(file);
    });
    ASSERT_TRUE(child->prepared());
    event.actor = *actor_from_proc("/proc", child->pid());
    event.call = SocketCall{.socket_netns = event.actor.netns};
    event.time = SystemClock().monotonic();
  }
  void TearDown() override { unlink(file.c_str()); }

  const std::string name = "sockward-netns-" + std::to_string(getpid()) + ".sock", file = "/tmp/" + name;
  std::unique_ptr<test::HeldChild> child;
  Event event;
  const ProcHost proc{HostSources{}};
  const NetworkView& network = proc.view().network;
};

TEST_F(NetworkNamespaceTest, HasItsInterfacesWithTheirAddresses) {
  const auto interfaces = network.interfaces(event);
  ASSERT_TRUE(interfaces) << interfaces.error().text();
  const auto lo =
      std::find_if(interfaces->begin(), interfaces->end(), [](const auto& one) { return one.loopback; });
  ASSERT_NE(lo, interfaces->end());
  EXPECT_EQ(lo->name, "lo");
  EXPECT_TRUE(lo->up);
  ASSERT_FALSE(lo->addresses.empty());
  EXPECT_EQ(lo->addresses[0].address, loopback(0));
  EXPECT_FALSE(lo->addresses[0].tentative);
}

TEST_F(NetworkNamespaceTest, RoutesWhatItReaches) {
  const auto local = network.route(event, loopback(80));
  ASSERT_TRUE(local);
  EXPECT_TRUE(local->local);
  EXPECT_EQ(local->interface_name, "lo");
  SocketAddress far = loopback(80);
  far.ip = {192, 0, 2, 1};
  const auto none = network.route(event, far);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->error, ENETUNREACH);
}

TEST_F(NetworkNamespaceTest, KnowsItsConnectionsAndPorts) {
  const auto found = network.connection(event, loopback(kClient), loopback(kServer));
  ASSERT_TRUE(found);
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->state, "ESTABLISHED");
  EXPECT_NE((*found)->socket_inode, 0u);
  EXPECT_FALSE(*network.connection(event, loopback(kClient + 1), loopback(kServer)));
  EXPECT_EQ(network.port_uses(event, kServer, IPPROTO_TCP)->size(), 1u);
}

TEST_F(NetworkNamespaceTest, ASocketFileMayBeServedFromAnyOfThem) {
  Event ours;
  ours.actor = *actor_from_proc("/proc", 0);
  ours.time = SystemClock().monotonic();
  EXPECT_TRUE(*network.knows_socket_named(ours, name));
  EXPECT_FALSE(*network.knows_socket_named(ours, "no-" + name));
}

TEST_F(NetworkNamespaceTest, TheSocketsCountsNotTheCallers) {
  Event passed = event;
  passed.actor = *actor_from_proc("/proc", 0);
  EXPECT_TRUE(*network.connection(passed, loopback(kClient), loopback(kServer)));
  passed.call = SocketCall{};
  EXPECT_FALSE(*network.connection(passed, loopback(kClient), loopback(kServer)));
}

TEST_F(NetworkNamespaceTest, IsFoundThroughABindMountWhenTheCallerIsGone) {
  const std::string point = file + ".ns";
  std::ofstream(point.c_str()).flush();
  const std::string target = "/proc/" + std::to_string(child->pid()) + "/ns/net";
  const test::HeldChild mounter([&] {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount(target.c_str(), point.c_str(), nullptr, MS_BIND, nullptr) == 0;
  });
  ASSERT_TRUE(mounter.prepared());
  child->end();
  const auto interfaces = network.interfaces(event);
  ASSERT_TRUE(interfaces) << interfaces.error().text();
  EXPECT_TRUE(network.port_uses(event, kServer, IPPROTO_TCP));
  unlink(point.c_str());
}

TEST_F(NetworkNamespaceTest, IsNotVisibleWhenNothingLeadsToIt) {
  child->end();
  const auto interfaces = network.interfaces(event);
  ASSERT_FALSE(interfaces);
  EXPECT_EQ(interfaces.error().code, std::errc::no_such_process);
  EXPECT_FALSE(*network.knows_socket_named(event, name));
}

}  // namespace
}  // namespace sockward
