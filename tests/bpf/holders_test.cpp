// Names that sockets have: who bound them, who has them open, and that they are free again.
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sockward/hash.h>
#include <sys/wait.h>

#include "bpf/sockets.hpp"

namespace sockward::test {
namespace {

constexpr int kMptcp = 262;  // IPPROTO_MPTCP

using Holders = WithFolder;

TEST_F(Holders, AListenerOfMptcpIsAListenerOfTcp) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, kMptcp);
  if (fd < 0) GTEST_SKIP() << "this kernel has no MPTCP: " << strerror(errno);
  ASSERT_EQ(bind_inet(fd, loopback(0)), 0);
  ASSERT_EQ(listen(fd, 5), 0);
  const BoundName name = tcp_name(port_of(fd));
  const auto binder = kernel->probes().binder(name);
  ASSERT_TRUE(binder);
  EXPECT_EQ(binder->process.tgid, static_cast<std::uint32_t>(getpid()));
  SocketList sockets;
  ASSERT_TRUE(kernel->probes().scan(sockets));
  const auto open = open_socket(sockets, name);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->state, OpenSocket::State::listening);
  EXPECT_EQ(open->backlog, 5u);
  EXPECT_EQ(open->owner.socket_inode, binder->socket_inode);
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, kMptcp);
  EXPECT_EQ(bind_inet(other, loopback(name.address.port)), EADDRINUSE);
  const auto event = event_of(Syscall::bind, static_cast<std::uint32_t>(gettid()), [&](const Event& e) {
    const auto* call = std::get_if<SocketCall>(&e.call);
    return call != nullptr && call->address.port == name.address.port && e.error() == EADDRINUSE;
  });
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<SocketCall>(event->call).protocol, kMptcp) << "what the socket has";
  close(other);
  close(fd);
  EXPECT_GT(kernel->probes().binder(name)->binding.released.ns, 0u);
}

int bind_netlink(int fd, std::uint32_t port) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

TEST_F(Holders, ANetlinkPortHasItsHolder) {
  constexpr std::uint32_t kPort = 3'000'000'777;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
            other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ASSERT_EQ(bind_netlink(fd, kPort), 0);
  ASSERT_EQ(bind_netlink(other, kPort), EADDRINUSE);
  const auto event = event_of(Syscall::bind, static_cast<std::uint32_t>(gettid()), [](const Event& e) {
    const auto* call = std::get_if<SocketCall>(&e.call);
    return call != nullptr && call->address.netlink_port == kPort;
  });
  ASSERT_TRUE(event);
  const auto& call = std::get<SocketCall>(event->call);
  EXPECT_EQ(address_text(call.address)->text, "family:AF_NETLINK:" + std::to_string(kPort));
  const BoundName name{
      .kind = BoundName::Kind::netlink,
      .netns = call.socket_netns,
      .protocol = call.protocol,
      .address = {.kind = AddressKind::other, .family = AF_NETLINK, .name = {}, .netlink_port = kPort}};
  const auto binder = kernel->probes().binder(name);
  ASSERT_TRUE(binder);
  EXPECT_EQ(binder->process.tgid, static_cast<std::uint32_t>(getpid()));
  SocketList sockets;
  ASSERT_TRUE(kernel->probes().scan(sockets));
  ASSERT_TRUE(open_socket(sockets, name));
  close(other);
  close(fd);
  ASSERT_TRUE(kernel->probes().note_released());
  EXPECT_GT(kernel->probes().binder(name)->binding.released.ns, 0u);
}

TEST_F(Holders, ANetlinkPortOfTheKernelsChoiceIsOnlyFoundByAWalk) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ASSERT_EQ(bind_netlink(fd, 0), 0);
  sockaddr_nl address{};
  socklen_t size = sizeof(address);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const BoundName name{
      .kind = BoundName::Kind::netlink,
      .netns = namespace_of("net"),
      .protocol = NETLINK_ROUTE,
      .address = {
          .kind = AddressKind::other, .family = AF_NETLINK, .name = {}, .netlink_port = address.nl_pid}};
  SocketList sockets;
  ASSERT_TRUE(kernel->probes().scan(sockets));
  EXPECT_TRUE(open_socket(sockets, name));
  EXPECT_FALSE(kernel->probes().binder(name));
  close(fd);
}

TEST_F(Holders, ABinderAndAHolderSayWhoTheyWere) {
  const std::string path = folder + "/x";
  const int fd = unix_socket();
  ASSERT_EQ(bind_unix(fd, path), 0);
  ASSERT_EQ(listen(fd, 7), 0);
  const int client = unix_socket();
  const sockaddr_un address = unix_address(path);
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  SocketList sockets;
  ASSERT_TRUE(kernel->probes().scan(sockets));
  const auto open = open_socket(sockets, path_name(path));
  const auto binder = kernel->probes().binder(path_name(path));
  ASSERT_TRUE(open && binder);
  EXPECT_EQ(open->queue, 1u);
  EXPECT_EQ(open->backlog, 7u);
  EXPECT_EQ(open->owner.process.mntns, namespace_of("mnt"));
  EXPECT_EQ(binder->process.mntns, namespace_of("mnt"));
  EXPECT_EQ(binder->traits.socket_uid, getuid());
  EXPECT_EQ(open->owner.traits.socket_uid, getuid());
  EXPECT_EQ(open->owner.generation, binder->generation);
  close(client);
  close(fd);
}

class Released : public WithFolder {
 protected:
  void SetUp() override {
    WithFolder::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto noted = kernel->probes().note_released();
    ASSERT_TRUE(noted) << noted.error().text();
  }
  /// When the name was found to be released; 0: it is bound.
  std::uint64_t released(const BoundName& name) {
    EXPECT_TRUE(kernel->probes().note_released());
    const auto owner = kernel->probes().binder(name);
    EXPECT_TRUE(owner);
    return owner ? owner->binding.released.ns : 0;
  }
};

TEST_F(Released, ASocketFileThatNobodyHasBoundAnyMoreIsNoted) {
  const std::string path = folder + "/x";
  const int fd = unix_socket();
  ASSERT_EQ(bind_unix(fd, path), 0);
  const BoundName name = path_name(path);
  EXPECT_EQ(released(name), 0u);
  ASSERT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(released(name), 0u) << "its name is gone, the socket is not";
  close(fd);
  const std::uint64_t when = released(name);
  EXPECT_GT(when, kernel->probes().binder(name)->binding.time.ns);
  EXPECT_EQ(released(name), when) << "noted once";
}

TEST_F(Released, AnAbstractNameIsFreeWhenItsSocketIsReleased) {
  const std::string name("\0sockward\0released", 18);
  const BoundName bound = abstract_name(name.substr(1), namespace_of("net"));
  const int fd = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(bind_unix(fd, name), 0);
  EXPECT_EQ(released(bound), 0u);
  close(fd);
  EXPECT_GT(released(bound), 0u);
  const int again = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(bind_unix(again, name), 0);
  EXPECT_EQ(released(bound), 0u) << "another one has it now";
  close(again);
}

TEST_F(Released, AListenerWhoseConnectionsLiveOnIsGone) {
  const std::string name("\0sockward-listener", 18);
  const int fd = unix_socket(), client = unix_socket();
  ASSERT_EQ(bind_unix(fd, name), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  const sockaddr_un address = unix_address(name);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), size), 0);
  const int accepted = accept(fd, nullptr, nullptr);
  EXPECT_EQ(released(abstract_name(name.substr(1), namespace_of("net"))), 0u);
  close(fd);
  EXPECT_GT(released(abstract_name(name.substr(1), namespace_of("net"))), 0u)
      << "though a connection has its name";
  close(accepted);
  close(client);
}

TEST_F(Released, AClientWithANameOfItsOwnIsNotTakenForAnAcceptedSocket) {
  const std::string server_name("\0sockward-server", 16), name("\0sockward-client", 16);
  const int fd = unix_socket(), client = unix_socket();
  ASSERT_EQ(bind_unix(fd, server_name), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  ASSERT_EQ(bind_unix(client, name), 0);
  const sockaddr_un address = unix_address(server_name);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + server_name.size());
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), size), 0);
  const int accepted = accept(fd, nullptr, nullptr);
  close(accepted);
  EXPECT_EQ(released(abstract_name(server_name.substr(1), namespace_of("net"))), 0u)
      << "only a connection is gone";
  close(client);
  EXPECT_GT(released(abstract_name(name.substr(1), namespace_of("net"))), 0u);
  close(fd);
}

/// Sends a descriptor to the other end and closes it here.
bool send_away(int by, int fd) {
  char byte = 'x', space[CMSG_SPACE(sizeof(int))] = {};
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  const bool sent = sendmsg(by, &message, 0) == 1;
  close(fd);
  return sent;
}

TEST_F(Released, ASocketOnItsWayIsNotGone) {
  const std::string path = folder + "/x", abstract("\0sockward-in-flight", 19);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const int file = unix_socket(), named = unix_socket();
  ASSERT_EQ(bind_unix(file, path), 0);
  ASSERT_EQ(bind_unix(named, abstract), 0);
  ASSERT_TRUE(send_away(pair[0], file) && send_away(pair[0], named));
  EXPECT_EQ(released(path_name(path)), 0u);
  EXPECT_EQ(released(abstract_name(abstract.substr(1), namespace_of("net"))), 0u);
  SocketList sockets;
  ASSERT_TRUE(kernel->probes().scan(sockets));
  EXPECT_FALSE(open_socket(sockets, path_name(path))) << "no process has it open";
  close(pair[0]);
  close(pair[1]);
  for (int i = 0; i < 50 && released(path_name(path)) == 0; ++i)
    usleep(20'000);  // the kernel drops it in its own time
  EXPECT_GT(released(path_name(path)), 0u);
}

TEST_F(Released, NamesOfOtherNetworkNamespacesAreLookedAtToo) {
  const std::string name("\0sockward-elsewhere", 19);
  int ready[2], done[2];
  ASSERT_TRUE(pipe2(ready, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0);
  const pid_t child = fork();
  if (child == 0) {
    char c = 0;
    const bool ok = unshare(CLONE_NEWNET) == 0 && bind_unix(unix_socket(), name) == 0;
    const NamespaceInode netns = ok ? namespace_of("net") : 0;
    (void)!write(ready[1], &netns, sizeof(netns));
    (void)!read(done[0], &c, 1);
    _exit(0);
  }
  NamespaceInode netns = 0;
  ASSERT_EQ(read(ready[0], &netns, sizeof(netns)), static_cast<ssize_t>(sizeof(netns)));
  ASSERT_NE(netns, 0u);
  EXPECT_EQ(released(abstract_name(name.substr(1), netns)), 0u);
  ASSERT_EQ(write(done[1], "x", 1), 1);
  waitpid(child, nullptr, 0);
  EXPECT_GT(released(abstract_name(name.substr(1), netns)), 0u);
}

/// An abstract name of 24 bytes whose first word is this one and whose hash in the name table is this one.
std::string name_with_hash(std::uint64_t first, std::uint64_t wanted_before_last, std::uint64_t last) {
  std::uint64_t words[3] = {first, 0x6F6D6D6F63, 0};
  std::uint64_t hash = sockward_mix(
      SOCKWARD_HASH_START, std::uint64_t{namespace_of("net")} << 32 | SOCKWARD_NAME_ABSTRACT << 16 | 24);
  hash = sockward_mix(sockward_mix(hash, words[0]), words[1]);
  words[2] = hash ^ wanted_before_last ^ last;
  return {reinterpret_cast<const char*>(words), sizeof(words)};
}

TEST_F(Holders, NamesWithTheSameHashAreNotTakenForEachOther) {
  const auto mark = static_cast<std::uint64_t>(getpid());
  const std::string one = name_with_hash(mark, 7, 9), other = name_with_hash(mark << 32, 7, 9);
  ASSERT_NE(one, other);
  const NamespaceInode netns = namespace_of("net");
  const auto bound = [&](const std::string& name) {
    const int fd = unix_socket();
    EXPECT_EQ(bind_unix(fd, std::string(1, 0) + name), 0);
    return fd;
  };
  const std::uint64_t before = kernel->probes().snapshot().names_new;
  const int first = bound(one);
  EXPECT_TRUE(kernel->probes().binder(abstract_name(one, netns)));
  const int second = bound(other);
  EXPECT_TRUE(kernel->probes().binder(abstract_name(other, netns)));
  EXPECT_FALSE(kernel->probes().binder(abstract_name(one, netns))) << "it lost its place, and says so";
  EXPECT_GE(kernel->probes().snapshot().names_new, before + 2) << "the one that lost its place is counted";
  close(first);
  EXPECT_EQ(kernel->probes().binder(abstract_name(other, netns))->binding.released.ns, 0u)
      << "the release of the one is not the other's";
  close(second);
}

}  // namespace
}  // namespace sockward::test
