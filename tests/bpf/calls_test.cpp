// A real system call, and each field of its event.
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "bpf/calls.hpp"

namespace sockward::test {
namespace {

using ::testing::StartsWith;

TEST_F(Calls, AFailedBindCarriesEveryFactOfItsCaller) {
  const std::string path = folder / "missing/x.sock";
  std::uint32_t tid = 0;
  std::thread([&] {
    tid = my_tid();
    pthread_setname_np(pthread_self(), "thread-name");
    EXPECT_EQ(raw_bind(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), sockaddr_un_bytes(path + '\0')),
              ENOENT);
  }).join();
  const auto event = event_of(Syscall::bind, tid);
  ASSERT_TRUE(event);
  const Actor& actor = event->actor;
  EXPECT_EQ(actor.tgid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(actor.comm, "bpf_tests") << "the leader's name, not the thread's";
  EXPECT_EQ(actor.uid, getuid());
  EXPECT_EQ(actor.netns, namespace_of("net"));
  EXPECT_EQ(actor.utsns, namespace_of("uts"));
  EXPECT_EQ(actor.pidns, namespace_of("pid"));
  EXPECT_EQ(actor.mntns, namespace_of("mnt"));
  EXPECT_EQ(actor.userns, namespace_of("user"));
  EXPECT_TRUE(actor.has_capability(CAP_SYS_ADMIN));
  EXPECT_GT(actor.leader_start_ns, 0u);
  EXPECT_EQ(event->error(), ENOENT);
  EXPECT_EQ(event->via, Via::syscall);
  const auto& call = std::get<SocketCall>(event->call);
  EXPECT_TRUE(call.is_socket);
  EXPECT_EQ(call.family, AF_UNIX);
  EXPECT_EQ(call.type, SOCK_SEQPACKET);
  EXPECT_EQ(call.address_length, static_cast<int>(path.size()) + 3);
  EXPECT_EQ(call.address.name, path);
  EXPECT_FALSE(call.kernel_copy);
  EXPECT_EQ(resolved_path(*event), path);
}

TEST_F(Calls, TheContainerKeyIsTheNumberOfTheCallersCgroup) {
  const std::filesystem::path cgroup = kernel->mounts().root + "/sockward-test-" + std::to_string(getpid());
  ASSERT_EQ(mkdir(cgroup.c_str(), 0755), 0);
  const std::uint32_t child = in_child([&] {
    const int procs = open((cgroup / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    return write(procs, "0", 1) == 1 && bind(-1, nullptr, 0) != 0;
  });
  struct stat status {};
  EXPECT_EQ(stat(cgroup.c_str(), &status), 0);
  EXPECT_EQ(rmdir(cgroup.c_str()), 0);
  ASSERT_NE(child, 0u);
  const auto event = event_of(Syscall::bind, child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.container_key, status.st_ino) << "kernfs numbers its cgroups so (5.5)";
}

TEST_F(Calls, NestedPidNamespacesKeepTheHostsIds) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::uint32_t outer = in_child([&] {
    if (unshare(CLONE_NEWPID) != 0) return false;
    const pid_t first = fork();  // seen from here: the host's number
    if (first == 0) {
      if (getpid() != 1 || unshare(CLONE_NEWPID) != 0) _exit(1);
      const pid_t second = fork();
      if (second == 0) _exit(getpid() == 1 && bind(-1, nullptr, 0) != 0 ? 0 : 1);
      int status = 0;
      waitpid(second, &status, 0);
      _exit(status == 0 && bind(-2, nullptr, 0) != 0 ? 0 : 1);
    }
    int status = 0;
    waitpid(first, &status, 0);
    return status == 0 && write(ends[1], &first, sizeof(first)) == sizeof(first);
  });
  ASSERT_NE(outer, 0u);
  pid_t first = 0;
  ASSERT_EQ(read(ends[0], &first, sizeof(first)), static_cast<ssize_t>(sizeof(first)));
  const auto upper = event_of(Syscall::bind, static_cast<std::uint32_t>(first));
  ASSERT_TRUE(upper) << "the id as the host sees it";
  const auto inner = kernel->wait_for([&](const Event& event) {
    return event.syscall == Syscall::bind && event.actor.tgid > static_cast<std::uint32_t>(first) &&
           event.actor.pidns != upper->actor.pidns && event.actor.pidns != namespace_of("pid") &&
           event.time.ns < upper->time.ns;
  });
  ASSERT_TRUE(inner);
  EXPECT_NE(upper->actor.pidns, namespace_of("pid"));
}

TEST_F(Calls, AbstractNamesKeepEveryByte) {
  const std::string name("\0\0odd\0\xff", 7);
  const int holder = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(raw_bind(holder, sockaddr_un_bytes(name)), 0);
  EXPECT_EQ(raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(name)), EADDRINUSE);
  const auto event =
      event_of(Syscall::bind, my_tid(), [](const Event& e) { return e.error() == EADDRINUSE; });
  ASSERT_TRUE(event);
  const auto& address = std::get<SocketCall>(event->call).address;
  EXPECT_EQ(address.kind, AddressKind::abstract);
  EXPECT_EQ(address.name, name.substr(1));
}

TEST_F(Calls, AnOverLongAddressIsCopiedAsFarAsItIsKept) {
  const std::string path = "/" + std::string(399, 'l');
  EXPECT_EQ(raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(path)), EINVAL);
  const auto event = event_of(Syscall::bind, my_tid(), [&](const Event& e) {
    return std::get<SocketCall>(e.call).address.name == path;
  });
  ASSERT_TRUE(event);
  EXPECT_FALSE(std::get<SocketCall>(event->call).address.truncated);
  const std::string longer = "/" + std::string(799, 'm');
  raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(longer));
  const auto clipped = event_of(Syscall::bind, my_tid(), [](const Event& e) {
    return std::get<SocketCall>(e.call).address_length == 802;
  });
  ASSERT_TRUE(clipped);
  EXPECT_TRUE(std::get<SocketCall>(clipped->call).address.truncated);
  EXPECT_THAT(longer, StartsWith(std::get<SocketCall>(clipped->call).address.name));
}

TEST_F(Calls, ASuccessfulBindNearTheLimitComesWithTheKernelsCopy) {
  std::string path = folder / "near-";
  path.resize(103, 'n');
  ASSERT_EQ(raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(path + '\0')), 0);
  const auto event = event_of(Syscall::bind, my_tid(), [](const Event& e) { return e.result == 0; });
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::get<SocketCall>(event->call).kernel_copy);
  EXPECT_EQ(std::get<SocketCall>(event->call).address.name, path);
  std::string full = folder / "full-";
  full.resize(108, 'f');
  ASSERT_EQ(raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(full)), 0);
  EXPECT_TRUE(event_of(Syscall::bind, my_tid(),
                       [&](const Event& e) { return std::get<SocketCall>(e.call).address.name == full; }));
}

TEST_F(Calls, PathLengthsAreCountedForSuccessAndFailure) {
  int round = 0;
  const auto bind_all = [&] {
    std::string path = folder / std::to_string(++round);
    path.resize(77, 'c');
    for (int i = 0; i < 3; ++i)
      raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(path + '\0'));
    raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(std::string("\0abstract", 9)));
    raw_bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes("/" + std::string(118, 'd')));
  };
  EXPECT_EQ(growth([](const KernelSnapshot& now) { return now.path_lengths[77]; }, 3, bind_all), 3u);
  EXPECT_EQ(growth([](const KernelSnapshot& now) { return now.path_lengths[109]; }, 1, bind_all), 1u);
  // A neighbour's paths belong to the sum too: what is no name of ours is taken off it by its length.
  const auto ours = [](const KernelSnapshot& now) {
    std::uint64_t others = 0;
    for (std::size_t n = 0; n < now.path_lengths.size(); ++n)
      if (n != 77 && n != 109) others += n * now.path_lengths[n];
    return now.path_length_sum - others;
  };
  EXPECT_EQ(growth(ours, 3 * 77u + 109u, bind_all), 3 * 77u + 109u);
}

TEST_F(Calls, InetBindsKnowPortThresholdAndOwner) {
  const std::uint32_t child = in_child([] {
    const sockaddr_in address = loopback(81);
    return setgroups(0, nullptr) == 0 && setresuid(65534, 65534, 65534) == 0 &&
           bind(socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0 &&
           errno == EACCES;
  });
  ASSERT_NE(child, 0u);
  const auto event = event_of(Syscall::bind, child);
  ASSERT_TRUE(event);
  const auto& call = std::get<SocketCall>(event->call);
  EXPECT_EQ(call.port_start, 1024);
  EXPECT_EQ(call.address.port, 81);
  EXPECT_EQ(call.protocol, IPPROTO_TCP);
  EXPECT_EQ(call.socket_netns, namespace_of("net"));
  EXPECT_EQ(call.owner_userns, namespace_of("user"));
  EXPECT_EQ(event->actor.uid, 65534u);
  EXPECT_FALSE(event->actor.has_capability(CAP_NET_BIND_SERVICE));
}

TEST_F(Calls, NamespacesAreThoseOfTheCallerAndOfTheSocket) {
  const int outside = socket(AF_INET, SOCK_DGRAM, 0);
  NamespaceInode inside[2] = {};
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::uint32_t child = in_child([&] {
    sockaddr_in address = loopback(9);
    address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1
    if (unshare(CLONE_NEWNET | CLONE_NEWUTS) != 0) return false;
    const NamespaceInode mine[2] = {namespace_of("net"), namespace_of("uts")};
    return bind(outside, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
           write(ends[1], mine, sizeof(mine)) == sizeof(mine);
  });
  ASSERT_NE(child, 0u);
  ASSERT_EQ(read(ends[0], inside, sizeof(inside)), static_cast<ssize_t>(sizeof(inside)));
  const auto event = event_of(Syscall::bind, child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.netns, inside[0]);
  EXPECT_EQ(event->actor.utsns, inside[1]);
  EXPECT_EQ(std::get<SocketCall>(event->call).socket_netns, namespace_of("net"));
}

TEST_F(Calls, ListenReportsTheSocketsOwnAddress) {
  const int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
            second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(first, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(first, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(bind(second, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(first, 1), 0);
  ASSERT_NE(listen(second, 7), 0);
  const auto event = event_of(Syscall::listen, my_tid());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->error(), EADDRINUSE);
  const auto& call = std::get<SocketCall>(event->call);
  EXPECT_EQ(call.backlog, 7);
  EXPECT_EQ(call.address.ip_text(), "127.0.0.1");
  EXPECT_EQ(call.address.port, ntohs(address.sin_port));
}

TEST_F(Calls, ConnectToATruncatedNameIsReportedWhateverTheError) {
  const std::string name(108, 't');
  EXPECT_EQ(raw_connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(name)), ENOENT);
  const auto event = event_of(Syscall::connect, my_tid(), [&](const Event& e) {
    return std::get<SocketCall>(e.call).address.name == name;
  });
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<SocketCall>(event->call).address_length, 110);
}

TEST_F(Calls, WhoBoundANameIsRememberedAndWhoHasItOpenIsFound) {
  const int abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
            tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string name("\0table\0test", 11), path = folder / "table.sock";
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(raw_bind(abstract, sockaddr_un_bytes(name)), 0);
  ASSERT_EQ(raw_bind(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), sockaddr_un_bytes(path + '\0')), 0);
  ASSERT_EQ(bind(tcp, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(tcp, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(listen(tcp, 1), 0);
  struct stat file {
  }, socket_file{};
  ASSERT_EQ(stat(path.c_str(), &file), 0);
  ASSERT_EQ(fstat(tcp, &socket_file), 0);
  const std::string raw(reinterpret_cast<const char*>(&address), sizeof(address));
  const BoundName names[] = {
      {.kind = BoundName::Kind::abstract,
       .netns = namespace_of("net"),
       .address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = name.substr(1)}},
      {.kind = BoundName::Kind::path, .address = {}, .device = file.st_dev, .inode = file.st_ino},
      {.kind = BoundName::Kind::inet,
       .netns = namespace_of("net"),
       .protocol = IPPROTO_TCP,
       .address = parse_socket_address({.bytes = raw})}};
  SocketList sockets;
  ASSERT_TRUE(kernel->probes().scan(sockets));
  for (const BoundName& wanted : names) {
    const auto binder = kernel->probes().binder(wanted);
    ASSERT_TRUE(binder);
    EXPECT_EQ(binder->process.tgid, static_cast<std::uint32_t>(getpid()));
    EXPECT_EQ(binder->process.comm, "bpf_tests");
    EXPECT_EQ(binder->process.pidns, namespace_of("pid"));
    EXPECT_GT(binder->binding.time.ns, 0u);
    const auto open = std::find_if(sockets.begin(), sockets.end(),
                                   [&](const OpenSocket& socket) { return socket.name == wanted; });
    ASSERT_FALSE(open == sockets.end());
    EXPECT_EQ((*open).owner.process.tgid, binder->process.tgid);
    EXPECT_EQ((*open).owner.socket_inode, binder->socket_inode);
  }
  EXPECT_EQ(kernel->probes().binder(names[2])->socket_inode, socket_file.st_ino);
  BoundName other = names[0];
  other.address.name += "x";
  EXPECT_FALSE(kernel->probes().binder(other));
}

TEST_F(Calls, CallsAreCountedByFamilyAndResult) {
  const OwnCgroup own(*kernel);
  const KernelSnapshot before = kernel->probes().snapshot();
  const std::string any = std::string("\x10\0", 2) + std::string(10, '\0');
  EXPECT_NE(raw_bind(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "x"), 0);
  EXPECT_NE(raw_bind(-1, any), 0);
  const KernelSnapshot after = kernel->probes().snapshot();
  for (const auto& [family, error] : {std::pair{Family::inet6, EINVAL}, std::pair{Family::none, EBADF}}) {
    const auto slot = static_cast<std::size_t>(error);
    EXPECT_EQ(own.failures(Syscall::bind, family, error), 1u);
    EXPECT_GE(after.of(Syscall::bind, family)[slot], before.of(Syscall::bind, family)[slot] + 1);
  }
  const auto bound = [](const KernelSnapshot& now) { return now.of(Syscall::bind, Family::netlink)[0]; };
  const auto bind_one = [&] {
    const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    EXPECT_EQ(raw_bind(netlink, any), 0);
    close(netlink);
  };
  EXPECT_EQ(growth(bound, 1, bind_one), 1u);
}

TEST_F(Calls, RecordNumbersOfAProbeHaveNoGapsAndNoRepeats) {
  for (int i = 0; i < 50; ++i) unlink("/sockward-no-such-file");
  ASSERT_TRUE(event_of(kUnlinkCall, my_tid()));
  std::map<std::pair<int, int>, std::vector<std::uint64_t>> numbers;
  for (const Event& event : kernel->events()) numbers[{event.probe, event.cpu}].push_back(event.sequence);
  for (auto& [stream, sequence] : numbers) {
    std::sort(sequence.begin(), sequence.end());
    for (std::size_t i = 1; i < sequence.size(); ++i) EXPECT_EQ(sequence[i], sequence[i - 1] + 1);
  }
  EXPECT_EQ(kernel->undecodable, 0u);
  EXPECT_EQ(kernel->probes().snapshot().ring_full, 0u);
}

TEST_F(Calls, EveryProbeIsAttached) {
  for (const auto& probe : kernel->probes().probes())
    EXPECT_TRUE(probe.attached || probe.optional) << probe.operation << ": " << probe.reason;
#ifdef __x86_64__
  EXPECT_GE(kernel->probes().probes().size(), 32u);
#else
  EXPECT_GE(kernel->probes().probes().size(), 24u) << "all but those of 32-bit callers";
#endif
}

}  // namespace
}  // namespace sockward::test
