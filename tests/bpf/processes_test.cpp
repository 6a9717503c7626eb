// Programs, their ends, their namespaces, and the sockets they leave.
#include <arpa/inet.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "bpf/kernel_fixture.hpp"

namespace sockward::test {
namespace {

class Processes : public Kernel {
 protected:
  /// The event of this kind that process `tgid` made.
  template <class Call>
  std::optional<Event> event_with(std::uint32_t tgid) {
    return kernel->wait_for([&](const Event& event) {
      return event.actor.tgid == tgid && std::holds_alternative<Call>(event.call);
    });
  }
  /// A later marker has arrived: what was not seen before it did not happen.
  void wait_for_marker() {
    const std::uint32_t child = in_child([] { return bind(-1, nullptr, 0) != 0; });
    ASSERT_TRUE(kernel->wait_for([&](const Event& event) { return event.actor.tgid == child; }));
  }
  template <class Call>
  bool saw(std::uint32_t tgid) {
    const auto& events = kernel->events();
    return std::any_of(events.begin(), events.end(), [&](const Event& event) {
      return event.actor.tgid == tgid && std::holds_alternative<Call>(event.call);
    });
  }
  bool seen(const std::string& operation) {
    const auto probes = kernel->probes().probes();
    return std::any_of(probes.begin(), probes.end(),
                       [&](const auto& probe) { return probe.operation == operation && probe.attached; });
  }
};

/// Starts ourselves once more, with arguments and a status; the flag makes gtest leave at once.
std::uint32_t start(const std::vector<std::string>& arguments, bool by_execveat = false) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> pointers;
    for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    if (by_execveat)
      syscall(SYS_execveat, AT_FDCWD, "/proc/self/exe", pointers.data(), environ, 0);
    else
      execve("/proc/self/exe", pointers.data(), environ);
    perror("exec");
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 99 ? static_cast<std::uint32_t>(child) : 0;
}

const std::string kLong = "/run/" + std::string(120, 'n') + "/ctl.sock";
const std::string kLeave = "--gtest_list_tests";

TEST_F(Processes, ALongSocketPathInAnArgumentIsReportedWithItsPlace) {
  const std::uint32_t child = start({"bpf_tests", kLeave, "--ctrl", "type=unixio,path=" + kLong});
  const auto event = event_with<LongArgument>(child);
  ASSERT_TRUE(event);
  const auto& argument = std::get<LongArgument>(event->call);
  EXPECT_EQ(argument.text, "type=unixio,path=" + kLong);
  EXPECT_EQ(argument.before, "--ctrl");
  EXPECT_EQ(argument.index, 3u);
  EXPECT_FALSE(argument.clipped);
  const auto end = event_with<ProcessExit>(child);
  ASSERT_TRUE(end);
  EXPECT_TRUE(std::get<ProcessExit>(end->call).had_argument);
  EXPECT_FALSE(std::get<ProcessExit>(end->call).binder);
  EXPECT_EQ(std::get<ProcessExit>(end->call).status, 0);
}

TEST_F(Processes, ExecveatIsSeenToo) {
  const std::uint32_t child = start({"bpf_tests", kLeave, kLong}, true);
  ASSERT_NE(child, 0u);
  EXPECT_TRUE(event_with<LongArgument>(child));
}

TEST_F(Processes, AnArgumentLongerThanTheBufferIsClippedAndTheNextOnesKeepTheirPlace) {
  const std::uint32_t child =
      start({"bpf_tests", kLeave, "--sock=/" + std::string(3000, 'x'), "short", "unix:" + kLong});
  ASSERT_TRUE(event_with<LongArgument>(child));
  wait_for_marker();
  std::vector<LongArgument> found;
  for (const Event& event : kernel->events())
    if (event.actor.tgid == child)
      if (const auto* argument = std::get_if<LongArgument>(&event.call)) found.push_back(*argument);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0].clipped);
  EXPECT_EQ(found[0].index, 2u);
  EXPECT_EQ(found[1].text, "unix:" + kLong);
}

TEST_F(Processes, OrdinaryProgramsAreNotReported) {
  const std::uint32_t short_ones = start({"bpf_tests", kLeave, "/run/short.sock"});
  const std::uint32_t a_file =
      start({"bpf_tests", kLeave, "--gtest_output=/srv/" + std::string(150, 'f') + ".txt"});
  wait_for_marker();
  for (const std::uint32_t child : {short_ones, a_file}) {
    ASSERT_NE(child, 0u);
    EXPECT_FALSE(saw<LongArgument>(child));
    EXPECT_FALSE(saw<ProcessExit>(child));
  }
}

TEST_F(Processes, TooManyArgumentsAreCounted) {
  const std::uint64_t before = kernel->probes().snapshot().exec_arguments_unread;
  std::vector<std::string> arguments{"bpf_tests", kLeave};
  arguments.resize(700, "argument");
  ASSERT_NE(start(arguments), 0u);
  EXPECT_EQ(kernel->probes().snapshot().exec_arguments_unread, before + 1);
}

TEST_F(Processes, WhatAProgramWroteIsToldWhenItFailsInPiecesToo) {
  const std::uint32_t child = in_child([] {
    const pid_t inner = fork();
    if (inner == 0) {
      const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
      dup2(quiet, 2);
      const std::string early(700, 'e'), message = "curl: (6) Unix socket path too long";
      (void)!write(2, early.data(), early.size());
      for (const char c : message) (void)!write(2, &c, 1);
      char colon[] = ": ", rest[] = "end\n";  // not constants: a page that nobody touched cannot be read
      iovec pieces[] = {{colon, 2}, {rest, 4}};
      (void)!writev(2, pieces, 2);
      _exit(6);
    }
    int status = 0;
    waitpid(inner, &status, 0);
    return WEXITSTATUS(status) == 6;
  });
  ASSERT_NE(child, 0u);
  const auto event = kernel->wait_for([&](const Event& e) {
    const auto* end = std::get_if<ProcessExit>(&e.call);
    return end != nullptr && end->message.find("curl: (6)") != std::string::npos;
  });
  ASSERT_TRUE(event);
  const auto& end = std::get<ProcessExit>(event->call);
  EXPECT_TRUE(end.message.ends_with("curl: (6) Unix socket path too long: end\n")) << end.message;
  EXPECT_TRUE(end.message.starts_with("eeee"));
  EXPECT_EQ(end.status >> 8, 6);
  wait_for_marker();
  EXPECT_FALSE(saw<ProcessExit>(child)) << "it did well";
}

int bind_path(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
}

TEST_F(Processes, TheEndOfABinderIsReportedWithItsStatus) {
  const std::string path = "/tmp/sockward-exit-" + std::to_string(getpid());
  const std::uint32_t child = in_child([&] { return bind_path(path) >= 0; });
  unlink(path.c_str());
  const auto event = event_with<ProcessExit>(child);
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::get<ProcessExit>(event->call).binder);
  EXPECT_FALSE(std::get<ProcessExit>(event->call).failed());
}

TEST_F(Processes, ANameThatAnotherSocketFileHadIsTold) {
  const std::string path = "/tmp/sockward-replaced-" + std::to_string(getpid());
  const int first = bind_path(path);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  ASSERT_EQ(unlink(path.c_str()), 0);
  const int second = bind_path(path);
  const auto event = kernel->wait_for([&](const Event& e) {
    const auto* call = std::get_if<SocketCall>(&e.call);
    return call != nullptr && call->replaced && call->address.name == path;
  });
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<SocketCall>(event->call).replaced, (FileId{status.st_dev, status.st_ino}));
  close(first);
  close(second);
  unlink(path.c_str());
}

TEST_F(Processes, NamespacesMadeByCloneAndByUnshareAreCountedAndTheirFirstNameIsMarked) {
  const KernelSnapshot before = kernel->probes().snapshot();
  const std::uint32_t child = in_child(
      [] { return unshare(CLONE_NEWUTS) == 0 && sethostname("one", 3) == 0 && sethostname("two", 3) == 0; });
  const auto first = event_with<NameCall>(child);
  ASSERT_TRUE(first);
  EXPECT_TRUE(std::get<NameCall>(first->call).first);
  wait_for_marker();
  const auto& events = kernel->events();
  const auto later = std::find_if(events.begin(), events.end(), [&](const Event& event) {
    const auto* call = std::get_if<NameCall>(&event.call);
    return event.actor.tgid == child && call != nullptr && call->new_name == "two";
  });
  ASSERT_NE(later, events.end());
  EXPECT_FALSE(std::get<NameCall>(later->call).first);
  int status = 0;
  const auto cloned = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
  if (cloned == 0) _exit(0);
  waitpid(cloned, &status, 0);
  const KernelSnapshot after = kernel->probes().snapshot();
  EXPECT_EQ(after.uts_created[0], before.uts_created[0] + 1);
  EXPECT_EQ(after.uts_created[1], before.uts_created[1] + 1);
}

TEST_F(Processes, AReleasedInternetSocketIsNoHolderAnyMore) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  struct stat status {};
  ASSERT_EQ(stat("/proc/self/ns/net", &status), 0);
  BoundName name{
      .kind = BoundName::Kind::inet,
      .netns = static_cast<NamespaceInode>(status.st_ino),
      .protocol = IPPROTO_TCP,
      .address = {.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = ntohs(address.sin_port)}};
  memcpy(name.address.ip.data(), &address.sin_addr, 4);
  auto owner = kernel->probes().binder(name);
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->tgid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(owner->released.ns, 0u);
  close(fd);
  owner = kernel->probes().binder(name);
  ASSERT_TRUE(owner);
  EXPECT_GT(owner->released.ns, owner->time.ns);
}

TEST_F(Processes, NamesThatTheTableForgetsAreCounted) {
  const KernelSnapshot before = kernel->probes().snapshot();
  constexpr int kNames = 6000;  // the table holds 4096
  for (int i = 0; i < kNames; ++i) {
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const int bytes =
        snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "sockward-evict-%d-%d", getpid(), i);
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(sizeof(sa_family_t) + 1 + static_cast<std::size_t>(bytes))),
              0);
    close(fd);
  }
  const KernelSnapshot after = kernel->probes().snapshot();
  EXPECT_EQ(after.names_new - before.names_new, static_cast<std::uint64_t>(kNames));
  EXPECT_GE(after.names_evicted, static_cast<std::uint64_t>(kNames) - 4096);
  EXPECT_LE(after.names_evicted, after.names_new);
}

bool install_filter(long number, int error) {
  const sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(number), 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<__u32>(error)),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{4, const_cast<sock_filter*>(program)};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(Processes, ACallThatAFilterRefusedIsTold) {
  bool visible = false;
  for (const auto& coverage : kernel->probes().coverage())
    visible |= coverage.route == "seccomp_denied" && coverage.seen;
  const std::uint32_t refused =
      in_child([] { return install_filter(SYS_bind, EPERM) && bind(0, nullptr, 0) != 0 && errno == EPERM; });
  const std::uint32_t allowed =
      in_child([] { return install_filter(SYS_sync, EPERM) && bind(-1, nullptr, 0) != 0 && errno == EBADF; });
  ASSERT_TRUE(refused != 0 && allowed != 0);
  const auto other = event_with<SocketCall>(allowed);
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->seccomp_refused) << "it has a filter, which let it through";
  const auto event = event_with<SocketCall>(refused);
  ASSERT_EQ(event.has_value(), visible);
  if (event) {
    EXPECT_TRUE(event->seccomp_refused);
  }
}

class UringCallers : public Processes {
 protected:
  void SetUp() override {
    Processes::SetUp();
    if (!HasFatalFailure() && !IsSkipped()) ready = io_uring_queue_init(4, &ring, 0) == 0;
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
  std::optional<Event> uring_event(Syscall syscall, const std::string& name) {
    return kernel->wait_for([&](const Event& event) {
      const auto* call = std::get_if<SocketCall>(&event.call);
      return event.syscall == syscall && call != nullptr && call->address.name == name;
    });
  }

  io_uring ring{};
  bool ready = false;
};

sockaddr_un named(const char* path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  memcpy(address.sun_path, path, strlen(path) + 1);
  return address;
}

TEST_F(UringCallers, AConnectIsSeenWithItsSubmitterWhereCoverageSaysSo) {
  if (!ready) return;  // refused here: nothing can come that way
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
    if (!result) return;
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

TEST_F(UringCallers, ABindIsSeenWhereCoverageSaysSo) {
  constexpr int kBind = 56;  // IORING_OP_BIND, 6.11
  if (!ready) return;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = named("/nope/uring-bind");
  const auto result = submit(kBind, [&](io_uring_sqe* request) {
    io_uring_prep_rw(kBind, request, fd, &address, 0, sizeof(address));
  });
  close(fd);
  if (!result) {
    EXPECT_FALSE(covered("bind")) << "a kernel without the operation";
    return;
  }
  ASSERT_EQ(*result, -ENOENT);
  if (!covered("bind")) return;
  const auto event = uring_event(Syscall::bind, "/nope/uring-bind");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->via, Via::io_uring);
  EXPECT_EQ(event->actor.tgid, static_cast<std::uint32_t>(getpid()));
}

TEST_F(UringCallers, ASystemCallIsCountedOnceBesideThem) {
  const auto count = [&] { return kernel->probes().snapshot().of(Syscall::connect, Family::unix_)[ENOENT]; };
  const std::uint64_t before = count();
  const sockaddr_un address = named("/nope/plain");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_NE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  EXPECT_EQ(count(), before + 1);
}

#ifdef __x86_64__
/// A call by the 32-bit entry. Pointers must lie below 4 GiB: `low_copy`.
long int80(long number, long a = 0, long b = 0, long c = 0) {
  long result = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(number), "b"(a), "c"(b), "d"(c)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
}

long low_copy(const void* bytes, std::size_t size) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  memcpy(page, bytes, size);
  return reinterpret_cast<long>(page);
}

constexpr long kUnlink = 10, kGetpid = 20, kSethostname = 74, kSocketcall = 102, kUnlinkat = 301, kBind = 361,
               kConnect = 362;

class CompatCallers : public Processes {
 protected:
  void SetUp() override {
    Processes::SetUp();
    if (!IsSkipped() && !HasFatalFailure() && int80(kGetpid) != getpid())
      GTEST_SKIP() << "this kernel runs no 32-bit calls";
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

bool forbid_sockets() {
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
  const int fd = static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0));
  return fd >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

TEST_F(Processes, TheAnswerOfASecurityModuleIsSeenWhereItsHooksCanBe) {
  if (syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
    return;  // 5.10: none
  const std::string path = "/tmp/sockward-landlock-" + std::to_string(getpid());
  const std::uint32_t child =
      in_child([&] { return forbid_sockets() && bind_path(path) < 0 && errno == EACCES; });
  ASSERT_NE(child, 0u);
  const auto event = event_with<SocketCall>(child);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->lsm_refused, seen("lsm_path_mknod"));
  const std::uint32_t plain = in_child([] { return bind_path("/tmp/missing-folder/x") < 0; });
  const auto other = event_with<SocketCall>(plain);
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->lsm_refused);
}

}  // namespace
}  // namespace sockward::test
