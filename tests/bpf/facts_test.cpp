// What vanishes with the caller: its groups, directories and mounts, and what only its socket knows.
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <fstream>
#include <numeric>

#include "base/file_descriptor.hpp"
#include "bpf/sockets.hpp"

namespace sockward::test {
namespace {

constexpr int kLocalPortRange = 51;  // IP_LOCAL_PORT_RANGE, 6.3
constexpr std::uint16_t kTcpClose = 7;

using Facts = WithFolder;

/// Refused because of what it may do, with these groups.
std::uint32_t refused_with_groups(const std::string& folder, std::size_t count) {
  return in_child([&] {
    std::vector<gid_t> groups(count);
    std::iota(groups.begin(), groups.end(), 7000);
    return setgroups(count, groups.data()) == 0 && setresgid(65534, 65534, 65534) == 0 &&
           setresuid(65534, 65534, 65534) == 0 && bind_unix(unix_socket(), folder + "/x") == EACCES &&
           unlink((folder + "/kept").c_str()) != 0 && errno == EACCES;
  });
}

TEST_F(Facts, ARefusedCallCarriesTheGroupsOfItsCaller) {
  const FileDescriptor kept(open((folder + "/kept").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  ASSERT_TRUE(kept.valid());
  for (const std::size_t count : {std::size_t{0}, std::size_t{3}, std::size_t{64}, std::size_t{500}}) {
    const std::uint32_t child = refused_with_groups(folder, count);
    ASSERT_NE(child, 0u);
    std::vector<std::uint32_t> expected(std::min(count, std::size_t{64}));
    std::iota(expected.begin(), expected.end(), 7000);
    const auto bound = event_with<SocketCall>(child);
    const auto unlinked = event_with<PathCall>(child);
    ASSERT_TRUE(bound && unlinked);
    EXPECT_EQ(bound->actor.groups, expected);
    EXPECT_EQ(bound->actor.groups_truncated, count > 64);
    EXPECT_EQ(std::get<SocketCall>(bound->call).address.name, folder + "/x");
    EXPECT_EQ(unlinked->actor.groups, expected);
    EXPECT_EQ(unlinked->actor.groups_truncated, count > 64);
    EXPECT_EQ(resolved_path(*unlinked), folder + "/kept");
  }
  unlink((folder + "/kept").c_str());
}

TEST_F(Facts, GroupsComeBehindTheDirectoryOfARelativeName) {
  const std::uint32_t child = in_child([&] {
    const gid_t groups[] = {11, 12};
    return setgroups(2, groups) == 0 && setresuid(65534, 65534, 65534) == 0 && chdir(folder.c_str()) == 0 &&
           bind_unix(unix_socket(), "x") == EACCES;
  });
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(resolved_path(*event), folder + "/x");
  EXPECT_EQ(event->actor.groups, (std::vector<std::uint32_t>{11, 12}));
}

TEST_F(Facts, OtherFailuresHaveNoGroups) {
  const std::uint32_t child = in_child([&] { return bind_unix(unix_socket(), "/missing/x") == ENOENT; });
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.groups, std::nullopt);
}

TEST_F(Facts, TheGroupOfFileChecksAndTheWorkingDirectoryAreTheThreads) {
  struct stat here {};
  ASSERT_EQ(stat(folder.c_str(), &here), 0);
  const std::uint32_t child = in_child([&] {
    setfsgid(4711);
    return chdir(folder.c_str()) == 0 && bind(-1, nullptr, 0) != 0;
  });
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.fsgid, 4711u);
  EXPECT_EQ(event->actor.working_inode, here.st_ino);
  EXPECT_EQ(event->actor.working_device, here.st_dev);
  struct stat root {};
  ASSERT_EQ(stat("/", &root), 0);
  EXPECT_EQ(event->actor.root_inode, root.st_ino);
}

/// Makes a call with fd -1 - index in a mount namespace of its own, a mount between the first two, none
/// between the next; then says so and waits.
void live_with_mounts(int ready, int done, const std::string& folder) {
  char c = 0;
  const bool made =
      unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  bind(-1, nullptr, 0);
  const bool mounted = mount("tmpfs", folder.c_str(), "tmpfs", 0, nullptr) == 0;
  bind(-2, nullptr, 0);
  bind(-3, nullptr, 0);
  (void)!write(ready, made && mounted ? "1" : "0", 1);
  (void)!read(done, &c, 1);
  _exit(0);
}

TEST_F(Facts, AChangeOfMountsIsToldByItsNumber) {
  int ready[2], done[2];
  ASSERT_TRUE(pipe2(ready, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0);
  const pid_t child = fork();
  if (child == 0) live_with_mounts(ready[1], done[0], folder);
  char ok = 0;
  ASSERT_EQ(read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, '1');
  std::uint64_t numbers[3] = {};
  NamespaceInode mntns = 0;
  for (int i = 0; i < 3; ++i) {
    const auto event = kernel->wait_for([&](const Event& e) {
      const auto* call = std::get_if<SocketCall>(&e.call);
      return e.actor.tgid == static_cast<std::uint32_t>(child) && call != nullptr && call->fd == -1 - i;
    });
    ASSERT_TRUE(event) << i;
    numbers[i] = event->actor.mount_event;
    mntns = event->actor.mntns;
  }
  EXPECT_NE(mntns, namespace_of("mnt"));
  EXPECT_GT(numbers[0], 0u);
  EXPECT_GT(numbers[1], numbers[0]);
  EXPECT_EQ(numbers[2], numbers[1]);
  const auto now = kernel->probes().mount_event(mntns);
  ASSERT_TRUE(now) << now.error().text();
  EXPECT_EQ(*now, numbers[2]);
  ASSERT_EQ(write(done[1], "x", 1), 1);
  waitpid(child, nullptr, 0);
  const auto gone = kernel->probes().mount_event(mntns);
  ASSERT_TRUE(gone);
  EXPECT_EQ(*gone, std::nullopt) << "nobody lives there any more";
}

TEST_F(Facts, ANewMountNamespaceHasANumberBeforeItsFirstChange) {
  const std::uint32_t child = in_child([] { return unshare(CLONE_NEWNS) == 0 && bind(-1, nullptr, 0) != 0; });
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_GT(event->actor.mount_event, 0u);
}

TEST_F(Facts, TheSocketKeepsTheUserWhoMadeIt) {
  const std::uint32_t child = in_child([] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return setgroups(0, nullptr) == 0 && setresuid(65534, 65534, 65534) == 0 &&
           bind_inet(fd, loopback(81)) == EACCES;
  });
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.uid, 65534u);
  EXPECT_EQ(std::get<SocketCall>(event->call).socket_uid, 0u);
  const std::uint32_t other = in_child([] {
    return setgroups(0, nullptr) == 0 && setresuid(65534, 65534, 65534) == 0 &&
           bind_inet(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), loopback(81)) == EACCES;
  });
  const auto own = event_with<SocketCall>(other);
  ASSERT_TRUE(own);
  EXPECT_EQ(std::get<SocketCall>(own->call).socket_uid, 65534u);
}

TEST_F(Facts, ARecordSaysWhereTheKernelLooksForAPort) {
  const std::uint32_t child = in_child([] {
    if (unshare(CLONE_NEWNET) != 0) return false;
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40123";
    return bind_inet(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), {}) == EAFNOSUPPORT ||
           bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), nullptr, 0) != 0;
  });
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  const auto& call = std::get<SocketCall>(event->call);
  EXPECT_EQ(call.port_low, 40000);
  EXPECT_EQ(call.port_high, 40123);
  EXPECT_EQ(call.own_port_low, 0);
  EXPECT_EQ(call.own_port_high, 0);
  EXPECT_EQ(call.state, kTcpClose);
  EXPECT_FALSE(call.port_chosen);
}

TEST_F(Facts, ASocketsOwnPortRangeIsToldToo) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::uint32_t range = 41234U << 16 | 41200U;
  if (setsockopt(fd, IPPROTO_IP, kLocalPortRange, &range, sizeof(range)) != 0) {
    ASSERT_EQ(errno, ENOPROTOOPT);
    close(fd);
    GTEST_SKIP() << "this kernel has no IP_LOCAL_PORT_RANGE (6.3)";
  }
  const std::uint32_t child = in_child([&] { return bind(fd, nullptr, 0) != 0; });
  close(fd);
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<SocketCall>(event->call).own_port_low, 41200);
  EXPECT_EQ(std::get<SocketCall>(event->call).own_port_high, 41234);
}

TEST_F(Facts, AConnectSaysWhereItCameFrom) {
  std::uint16_t port = 0;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const std::uint32_t chose = in_child([&] {
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
              fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind_inet(probe, loopback(0)) != 0) return false;
    const std::uint16_t free = port_of(probe);
    close(probe);
    return write(ends[1], &free, sizeof(free)) == sizeof(free) && bind_inet(fd, loopback(free)) == 0 &&
           connect_inet(fd, loopback(1)) == ECONNREFUSED;
  });
  ASSERT_NE(chose, 0u);
  ASSERT_EQ(read(ends[0], &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));
  const auto chosen = event_of(Syscall::connect, chose);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(address_text(std::get<SocketCall>(chosen->call).source)->text,
            "127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(std::get<SocketCall>(chosen->call).port_chosen);
  const std::uint32_t any_port = in_child([&] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind_inet(fd, loopback(0)) == 0 && connect_inet(fd, loopback(1)) == ECONNREFUSED;
  });
  const auto bound = event_of(Syscall::connect, any_port);
  ASSERT_TRUE(bound);
  EXPECT_EQ(std::get<SocketCall>(bound->call).source.ip_text(), "127.0.0.1");
  EXPECT_FALSE(std::get<SocketCall>(bound->call).port_chosen) << "the kernel gave it one, and took it back";
  const std::uint32_t unbound = in_child([] {
    return connect_inet(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), loopback(1)) == ECONNREFUSED;
  });
  const auto from_nowhere = event_of(Syscall::connect, unbound);
  ASSERT_TRUE(from_nowhere);
  EXPECT_EQ(std::get<SocketCall>(from_nowhere->call).source.kind, AddressKind::unreadable);
  EXPECT_FALSE(std::get<SocketCall>(from_nowhere->call).port_chosen);
}

TEST_F(Facts, ALinkLocalAddressKeepsItsInterface) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(80);
  address.sin6_scope_id = if_nametoindex("lo");
  inet_pton(AF_INET6, "fe80::1", &address.sin6_addr);
  const std::uint32_t child = in_child([&] {
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0;
  });
  if (child == 0) GTEST_SKIP() << "no IPv6 here";
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(address_text(std::get<SocketCall>(event->call).address)->text,
            "[fe80::1%" + std::to_string(address.sin6_scope_id) + "]:80");
}

TEST_F(Facts, AConnectThatGoesOnIsCountedAndNoFailure) {
  const auto count = [&] {
    return kernel->probes().snapshot().of(Syscall::connect, Family::inet)[EINPROGRESS];
  };
  const std::uint64_t before = count();
  const std::uint32_t child = in_child([] {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind_inet(server, loopback(0)) != 0 || listen(server, 1) != 0) return false;
    return connect_inet(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                        loopback(port_of(server))) == EINPROGRESS;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  EXPECT_GE(count(), before + 1);
  EXPECT_FALSE(saw<SocketCall>(child));
}

}  // namespace
}  // namespace sockward::test
