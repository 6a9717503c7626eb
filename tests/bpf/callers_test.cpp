// Calls that do not come by a 64-bit system call: io_uring and the 32-bit entry.
#include <fcntl.h>
#include <liburing.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "bpf/kernel_fixture.hpp"

namespace sockward::test {
namespace {

class UringCallers : public Processes {
 protected:
  void SetUp() override {
    Processes::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    why_not = missing("io_uring", [] {
      io_uring tried{};
      return io_uring_queue_init(4, &tried, 0) == 0;
    });
    ready = !why_not && io_uring_queue_init(4, &ring, 0) == 0;
    if (!ready && !why_not) why_not = "an io_uring here, and none there";
  }
  void TearDown() override {
    if (ready) io_uring_queue_exit(&ring);
  }
  bool covered(const std::string& operation) {
    const auto coverage = kernel->probes().coverage();
    return std::any_of(coverage.begin(), coverage.end(), [&](const auto& c) {
      return c.operation == operation && c.route == "io_uring" && c.seen;
    });
  }
  /// The result of one request; nullopt: this kernel has no such operation.
  template <class Prepare>
  std::optional<int> submit(int operation, Prepare prepare, unsigned flags = 0) {
    io_uring_probe* known = io_uring_get_probe_ring(&ring);
    const bool supported = known != nullptr && io_uring_opcode_supported(known, operation) != 0;
    if (known != nullptr) io_uring_free_probe(known);
    if (!supported) return std::nullopt;
    io_uring_sqe* request = io_uring_get_sqe(&ring);
    prepare(request);
    request->flags |= static_cast<__u8>(flags);
    io_uring_cqe* answer = nullptr;
    if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &answer) != 0) return std::nullopt;
    const int result = answer->res;
    io_uring_cqe_seen(&ring, answer);
    return result;
  }
  std::optional<int> submit_bind(int fd, const sockaddr_un& address) {
    constexpr int kBind = 56;  // IORING_OP_BIND, 6.11
    return submit(kBind, [&](io_uring_sqe* request) {
      io_uring_prep_rw(kBind, request, fd, &address, 0, sizeof(address));
    });
  }
  std::optional<Event> uring_event(Syscall syscall, const std::string& name) {
    return kernel->wait_for([&](const Event& event) {
      const auto* call = std::get_if<SocketCall>(&event.call);
      return event.syscall == syscall && call != nullptr && call->address.name == name;
    });
  }

  io_uring ring{};
  bool ready = false;
  std::optional<std::string> why_not;
};

sockaddr_un named(const char* path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  memcpy(address.sun_path, path, strlen(path) + 1);
  return address;
}

TEST_F(UringCallers, AConnectIsSeenWithItsSubmitterWhereCoverageSaysSo) {
  if (!ready) GTEST_SKIP() << *why_not;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (const unsigned flags : {0U, static_cast<unsigned>(IOSQE_ASYNC)}) {  // by the caller, and by a worker
    const std::string path = "/nope/uring-" + std::to_string(flags);
    const sockaddr_un address = named(path.c_str());
    const auto result = submit(
        IORING_OP_CONNECT,
        [&](io_uring_sqe* request) {
          io_uring_prep_connect(request, fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
        },
        flags);
    ASSERT_TRUE(result);  // every kernel with BTF and io_uring has it
    ASSERT_EQ(*result, -ENOENT);
    if (!covered("connect")) continue;
    const auto event = uring_event(Syscall::connect, path);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->via, Via::io_uring);
    EXPECT_EQ(event->error(), ENOENT);
    // Before 5.12 workers were kernel threads, and nothing in them says for whom they work.
    if (flags != 0 && event->actor.comm.starts_with("io_wq")) continue;
    EXPECT_EQ(event->actor.tgid, static_cast<std::uint32_t>(getpid()));
    EXPECT_EQ(event->actor.comm, "bpf_tests") << "the leader's name, not the worker's";
    EXPECT_TRUE(std::get<SocketCall>(event->call).kernel_copy);
  }
  wait_for_marker();
  if (!covered("connect")) {
    EXPECT_FALSE(std::any_of(kernel->events().begin(), kernel->events().end(),
                             [](const Event& event) { return event.via == Via::io_uring; }));
  }
  close(fd);
}

TEST_F(UringCallers, AConnectThatHasToWaitIsCountedOnceSince6_0) {
  if (!ready) GTEST_SKIP() << *why_not;
  if (!covered("unlinkat")) GTEST_SKIP() << "functions of io_uring are not seen here (6.0, fexit)";
  const OwnCgroup own(*kernel);
  const std::string name = '\0' + ("sockward-uring-waits-" + std::to_string(getpid()));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  memcpy(address.sun_path, name.data(), name.size());
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listener, target, size), 0);
  ASSERT_EQ(listen(listener, 0), 0);  // room for one
  ASSERT_EQ(connect(first, target, size), 0);
  io_uring_sqe* request = io_uring_get_sqe(&ring);
  io_uring_prep_connect(request, second, target, size);
  ASSERT_EQ(io_uring_submit(&ring), 1);
  usleep(100'000);  // it was tried, found no room, and waits
  const int accepted[] = {accept4(listener, nullptr, nullptr, SOCK_CLOEXEC),
                          accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
  io_uring_cqe* answer = nullptr;
  ASSERT_EQ(io_uring_wait_cqe(&ring, &answer), 0);
  EXPECT_EQ(answer->res, 0);
  io_uring_cqe_seen(&ring, answer);
  for (const int fd : {listener, first, second, accepted[0], accepted[1]}) close(fd);
  EXPECT_EQ(own.failures(Syscall::connect, Family::unix_, EAGAIN), 0u);
}

TEST_F(UringCallers, ABindIsSeenWhereCoverageSaysSo) {
  if (!ready) GTEST_SKIP() << *why_not;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto result = submit_bind(fd, named("/nope/uring-bind"));
  close(fd);
  if (!result) {
    EXPECT_FALSE(covered("bind")) << "a kernel without the operation";
    GTEST_SKIP() << "this kernel's io_uring has no bind";
  }
  ASSERT_EQ(*result, -ENOENT);
  if (!covered("bind")) return;
  const auto event = uring_event(Syscall::bind, "/nope/uring-bind");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->via, Via::io_uring);
  EXPECT_EQ(event->actor.tgid, static_cast<std::uint32_t>(getpid()));
}

TEST_F(UringCallers, TheLengthOfABoundPathIsCountedAndToldNearTheLimit) {
  if (!ready) GTEST_SKIP() << *why_not;
  if (!covered("bind")) GTEST_SKIP() << "a bind through io_uring is not seen here (6.11, fexit)";
  std::string path = "/tmp/sockward-uring-near-" + std::to_string(getpid()) + "-";
  path.resize(103, 'n');
  const auto bind_both = [&] {
    for (const std::string& one : {path, "/nope/" + path.substr(5, 59)}) {  // bound, and refused
      const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      ASSERT_TRUE(submit_bind(fd, named(one.c_str())));
      close(fd);
    }
    unlink(path.c_str());
  };
  EXPECT_GE(growth([](const KernelSnapshot& now) { return now.path_lengths[103]; }, 1, bind_both), 1u);
  EXPECT_GE(growth([](const KernelSnapshot& now) { return now.path_lengths[65]; }, 1, bind_both), 1u);
  const auto event = uring_event(Syscall::bind, path);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->result, 0);
}

TEST_F(UringCallers, ABindThatTakesTheNameOfAnotherSocketFileIsTold) {
  if (!ready) GTEST_SKIP() << *why_not;
  const std::string path = "/tmp/sockward-uring-replaced-" + std::to_string(getpid());
  const sockaddr_un address = named(path.c_str());
  const int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(first, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  ASSERT_EQ(unlink(path.c_str()), 0);
  const auto result = submit_bind(second, address);
  unlink(path.c_str());
  close(first);
  close(second);
  if (!result) GTEST_SKIP() << "this kernel's io_uring has no bind";
  ASSERT_EQ(*result, 0);
  if (!covered("bind")) return;
  const auto event = uring_event(Syscall::bind, path);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->via, Via::io_uring);
  EXPECT_EQ(std::get<SocketCall>(event->call).replaced, (FileId{status.st_dev, status.st_ino}));
}

TEST_F(UringCallers, AnUnlinkatIsSeenWhereCoverageSaysSo) {
  constexpr int kUnlinkat = 36;  // IORING_OP_UNLINKAT, 5.11
  if (!ready) GTEST_SKIP() << *why_not;
  const OwnCgroup own(*kernel);
  std::uint64_t requests = 0;
  for (const unsigned flags : {0U, static_cast<unsigned>(IOSQE_ASYNC)}) {
    const std::string path = "nope/uring-unlink-" + std::to_string(flags);  // relative to dirfd
    const int folder = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const auto result = submit(
        kUnlinkat,
        [&](io_uring_sqe* request) { io_uring_prep_rw(kUnlinkat, request, folder, path.c_str(), 0, 0); },
        flags);
    close(folder);
    if (!result) {
      EXPECT_FALSE(covered("unlinkat")) << "a kernel without the operation";
      GTEST_SKIP() << "this kernel's io_uring has no unlinkat";
    }
    ASSERT_EQ(*result, -ENOENT);
    ++requests;
    if (!covered("unlinkat")) continue;
    const auto event = kernel->wait_for([&](const Event& seen) {
      const auto* call = std::get_if<PathCall>(&seen.call);
      return seen.syscall == Syscall::unlinkat && call != nullptr && call->path == path;
    });
    ASSERT_TRUE(event);
    EXPECT_EQ(event->via, Via::io_uring);
    EXPECT_EQ(event->error(), ENOENT);
    EXPECT_EQ(event->actor.tgid, static_cast<std::uint32_t>(getpid()));
    EXPECT_EQ(resolved_path(*event), "/tmp/" + path);
  }
  EXPECT_EQ(own.failures(Syscall::unlinkat, Family::none, ENOENT), covered("unlinkat") ? requests : 0);
}

TEST_F(UringCallers, ASystemCallIsCountedOnceBesideThem) {
  const OwnCgroup own(*kernel);
  const sockaddr_un address = named("/nope/plain");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_NE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  EXPECT_EQ(own.failures(Syscall::connect, Family::unix_, ENOENT), 1u);
}

#ifdef __x86_64__
/// A call by the 32-bit entry. Pointers must lie below 4 GiB: `low_copy`.
long int80(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
}

long low_copy(const void* bytes, std::size_t size) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  memcpy(page, bytes, size);
  return reinterpret_cast<long>(page);
}

constexpr long kUnlink = 10, kGetpid = 20, kMount = 21, kSethostname = 74, kSocketcall = 102, kUnlinkat = 301,
               kBind = 361, kConnect = 362, kSendmsg = 370, kOpenTree = 428, kMoveMount = 429, kOpenat2 = 437;

class CompatCallers : public Processes {
 protected:
  void SetUp() override {
    Processes::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (const auto none = missing("32-bit system call (int 0x80)", [] { return int80(kGetpid) == getpid(); }))
      GTEST_SKIP() << *none;
  }
  bool covered(const std::string& operation) {
    const auto coverage = kernel->probes().coverage();
    return std::any_of(coverage.begin(), coverage.end(), [&](const auto& c) {
      return c.operation == operation && c.route == "compat" && c.seen;
    });
  }
};

TEST_F(CompatCallers, SocketCallsAreSeenWhereCoverageSaysSo) {
  const std::uint32_t direct = in_child([] {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/nope/compat"};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const long low = low_copy(&address, sizeof(address));
    return int80(kBind, fd, low, sizeof(address)) == -ENOENT &&
           int80(kConnect, fd, low, sizeof(address)) == -ENOENT;
  });
  const std::uint32_t multiplexed = in_child([] {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/nope/multiplexed"};
    const std::uint32_t fd = static_cast<std::uint32_t>(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const std::uint32_t arguments[] = {fd, static_cast<std::uint32_t>(low_copy(&address, sizeof(address))),
                                       sizeof(address)};
    return int80(kSocketcall, 2 /* SYS_BIND */, low_copy(arguments, sizeof(arguments))) == -ENOENT;
  });
  ASSERT_TRUE(direct != 0 && multiplexed != 0);
  wait_for_marker();
  for (const std::uint32_t child : {direct, multiplexed}) {
    ASSERT_EQ(saw<SocketCall>(child), covered("bind"));
    if (!covered("bind")) continue;
    const auto event = event_with<SocketCall>(child);
    EXPECT_EQ(event->via, Via::compat);
    EXPECT_EQ(event->error(), ENOENT);
    EXPECT_EQ(std::get<SocketCall>(event->call).address.name,
              child == direct ? "/nope/compat" : "/nope/multiplexed");
  }
}

TEST_F(CompatCallers, SendsAreSeenWhereCoverageSaysSo) {
  const std::uint32_t child = in_child([] {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/nope/compat-send"};
    const auto low = [](const void* bytes, std::size_t size) {
      return static_cast<std::uint32_t>(low_copy(bytes, size));
    };
    const auto fd = static_cast<std::uint32_t>(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::uint32_t to = low(&address, sizeof(address)), part[] = {low("x", 1), 1};
    const std::uint32_t message[] = {to, sizeof(address), low(part, sizeof(part)), 1, 0, 0, 0};
    const std::uint32_t arguments[] = {fd, part[0], 1, 0, to, sizeof(address)};
    return int80(kSendmsg, fd, low_copy(message, sizeof(message)), 0) == -ENOENT &&
           int80(kSocketcall, 11 /* SYS_SENDTO */, low_copy(arguments, sizeof(arguments))) == -ENOENT;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  for (const Syscall syscall : {Syscall::sendto, Syscall::sendmsg}) {
    const auto& events = kernel->events();
    const auto found = std::find_if(events.begin(), events.end(), [&](const Event& event) {
      return event.actor.tgid == child && event.syscall == syscall;
    });
    ASSERT_EQ(found != events.end(), covered(std::string(to_string(syscall))));
    if (found == events.end()) continue;
    EXPECT_EQ(found->via, Via::compat);
    EXPECT_EQ(std::get<SocketCall>(found->call).address.name, "/nope/compat-send");
  }
}

TEST_F(CompatCallers, UnlinksAreSeenWhereCoverageSaysSo) {
  const std::uint32_t child = in_child([] {
    const char path[] = "/nope/compat";
    const long low = low_copy(path, sizeof(path));
    return int80(kUnlink, low) == -ENOENT && int80(kUnlinkat, AT_FDCWD, low, 0) == -ENOENT;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  for (const Syscall syscall : {Syscall::unlink, Syscall::unlinkat}) {
    const auto& events = kernel->events();
    const auto found = std::find_if(events.begin(), events.end(), [&](const Event& event) {
      return event.actor.tgid == child && event.syscall == syscall;
    });
    ASSERT_EQ(found != events.end(), covered(std::string(to_string(syscall))));
    if (found == events.end()) continue;
    EXPECT_EQ(found->via, Via::compat);
    EXPECT_EQ(std::get<PathCall>(found->call).path, "/nope/compat");
  }
}

TEST_F(CompatCallers, RefusedLinksAreSeenWhereCoverageSaysSo) {
  const std::uint32_t child = in_child([] {
    const std::string link = "/tmp/sockward-loop-" + std::to_string(getpid());
    if (symlink(link.c_str(), link.c_str()) != 0) return false;
    const long low = low_copy(link.c_str(), link.size() + 1);
    const std::uint64_t how[] = {O_RDONLY, 0, 4 /* RESOLVE_NO_SYMLINKS */};
    const bool refused =
        int80(kOpenat2, AT_FDCWD, low, low_copy(how, sizeof(how)), sizeof(how)) == -ELOOP &&
        int80(kOpenTree, AT_FDCWD, low, 0) == -ELOOP && int80(kMount, low, low, 0, 1 << 12) == -ELOOP &&
        int80(kMoveMount, AT_FDCWD, low_copy("/", 2), AT_FDCWD, low, 0x10 /* MOVE_MOUNT_T_SYMLINKS */) ==
            -ELOOP;
    unlink(link.c_str());
    return refused;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  const std::string link = "/tmp/sockward-loop-" + std::to_string(child);
  for (const Syscall syscall : {Syscall::openat2, Syscall::open_tree, Syscall::mount, Syscall::move_mount}) {
    const auto& events = kernel->events();
    const auto found = std::find_if(events.begin(), events.end(), [&](const Event& event) {
      return event.actor.tgid == child && event.syscall == syscall;
    });
    ASSERT_EQ(found != events.end(), covered(std::string(to_string(syscall)))) << to_string(syscall);
    if (found == events.end()) continue;
    EXPECT_EQ(found->via, Via::compat);
    EXPECT_EQ(std::get<PathCall>(found->call).path, link) << to_string(syscall);
    if (syscall == Syscall::openat2) {
      EXPECT_EQ(std::get<PathCall>(found->call).resolve, 4u);
    }
  }
}

TEST_F(CompatCallers, HostNamesAreSeenWhereCoverageSaysSo) {
  const std::uint32_t child = in_child([] {
    const char name[] = "from-32-bit";
    return unshare(CLONE_NEWUTS) == 0 &&
           int80(kSethostname, low_copy(name, sizeof(name)), sizeof(name) - 1) == 0;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  ASSERT_EQ(saw<NameCall>(child), covered("sethostname"));
  if (!covered("sethostname")) return;
  const auto event = event_with<NameCall>(child);
  EXPECT_EQ(event->via, Via::compat);
  EXPECT_EQ(std::get<NameCall>(event->call).new_name, "from-32-bit");
}
#endif

}  // namespace
}  // namespace sockward::test
