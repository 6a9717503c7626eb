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

#include "bpf/sockets.hpp"

namespace sockward::test {
namespace {

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
  std::vector<std::string> arguments{"bpf_tests", kLeave};
  arguments.resize(700, "argument");
  const auto unread = [](const KernelSnapshot& now) { return now.exec_arguments_unread; };
  EXPECT_EQ(growth(unread, 1, [&] { EXPECT_NE(start(arguments), 0u); }), 1u);
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
  std::uint32_t child = 0;
  const auto unshared = [](const KernelSnapshot& now) { return now.uts_created.unshare; };
  const std::uint64_t made = growth(unshared, 1, [&] {
    child = in_child([] {
      return unshare(CLONE_NEWUTS) == 0 && sethostname("one", 3) == 0 && sethostname("two", 3) == 0;
    });
  });
  EXPECT_EQ(made, 1u);
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
  const auto cloned = [](const KernelSnapshot& now) { return now.uts_created.clone; };
  const auto clone_one = [] {
    int status = 0;
    const auto other = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
    if (other == 0) _exit(0);
    waitpid(other, &status, 0);
  };
  EXPECT_EQ(growth(cloned, 1, clone_one), 1u);
}

/// A TCP socket bound to a free port of the loopback address, and its name. fd < 0: it failed.
struct BoundSocket {
  int fd = -1;
  BoundName name;
};

BoundSocket bound_tcp(bool reuseaddr) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = reuseaddr ? 1 : 0;
  struct stat status {};
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      stat("/proc/self/ns/net", &status) != 0)
    return {};
  BoundName name{
      .kind = BoundName::Kind::inet,
      .netns = static_cast<NamespaceInode>(status.st_ino),
      .protocol = IPPROTO_TCP,
      .address = {.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = ntohs(address.sin_port)}};
  memcpy(name.address.ip.data(), &address.sin_addr, 4);
  return {fd, name};
}

TEST_F(Processes, AReleasedInternetSocketIsNoHolderAnyMore) {
  const auto [fd, name] = bound_tcp(false);
  ASSERT_GE(fd, 0);
  auto owner = kernel->probes().binder(name);
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->process.tgid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(owner->binding.released.ns, 0u);
  EXPECT_FALSE(owner->traits.reuseaddr);
  close(fd);
  owner = kernel->probes().binder(name);
  ASSERT_TRUE(owner);
  EXPECT_GT(owner->binding.released.ns, owner->binding.time.ns);
  EXPECT_FALSE(owner->binding.listened);
}

TEST_F(Processes, AReleasedListenerIsToldFromASocketThatSharedItsPort) {
  const auto [listener, name] = bound_tcp(true);
  ASSERT_GE(listener, 0);
  ASSERT_EQ(listen(listener, 1), 0);
  EXPECT_TRUE(kernel->probes().binder(name)->traits.reuseaddr);
  close(listener);
  EXPECT_TRUE(kernel->probes().binder(name)->binding.listened);
  const auto [sharer, other] = bound_tcp(true);
  ASSERT_GE(sharer, 0);
  const int off = 0, on = 1;
  setsockopt(sharer, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
  setsockopt(sharer, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  close(sharer);
  const auto owner = kernel->probes().binder(other);
  ASSERT_TRUE(owner);
  EXPECT_FALSE(owner->binding.listened);
  EXPECT_FALSE(owner->traits.reuseaddr) << "as it was when it was released";
  EXPECT_TRUE(owner->traits.reuseport);
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
  const auto bound = [](const KernelSnapshot& now) { return now.names_bound.path + now.names_bound.other; };
  EXPECT_GE(after.names_new - before.names_new, static_cast<std::uint64_t>(kNames));
  EXPECT_LE(after.names_new - before.names_new, bound(after) - bound(before)) << "with those of neighbours";
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

/// A watched call that fails, and how.
struct WatchedCall {
  const char* name;
  Syscall syscall;
  long number;
  int error;
  long (*make)();
};

const WatchedCall kCalls[] = {
    {"bind", Syscall::bind, SYS_bind, EBADF, [] { return syscall(SYS_bind, -1, nullptr, 0); }},
    {"connect", Syscall::connect, SYS_connect, EBADF, [] { return syscall(SYS_connect, -1, nullptr, 0); }},
    {"listen", Syscall::listen, SYS_listen, EBADF, [] { return syscall(SYS_listen, -1, 0); }},
#ifdef SYS_unlink
    {"unlink", Syscall::unlink, SYS_unlink, ENOENT, [] { return syscall(SYS_unlink, "/missing/x"); }},
#endif
    {"unlinkat", Syscall::unlinkat, SYS_unlinkat, ENOENT,
     [] { return syscall(SYS_unlinkat, AT_FDCWD, "/missing/x", 0); }},
    {"sethostname", Syscall::sethostname, SYS_sethostname, EINVAL,
     [] { return syscall(SYS_sethostname, "x", -1); }},
    {"setdomainname", Syscall::setdomainname, SYS_setdomainname, EINVAL,
     [] { return syscall(SYS_setdomainname, "x", -1); }}};

class Filtered : public Processes, public ::testing::WithParamInterface<WatchedCall> {
 protected:
  /// The record of this call by a child whose filter gives `filtered` the error `error`.
  std::optional<Event> made_under(long filtered, int error, int expected) {
    const WatchedCall& call = GetParam();
    const std::uint32_t child = in_child([&] {
      return unshare(CLONE_NEWUTS) == 0 && install_filter(filtered, error) && call.make() != 0 &&
             errno == expected;
    });
    EXPECT_NE(child, 0u);
    wait_for_marker();
    const auto& events = kernel->events();
    const auto found = std::find_if(events.begin(), events.end(), [&](const Event& event) {
      return event.actor.tgid == child && event.syscall == call.syscall;
    });
    return found == events.end() ? std::nullopt : std::optional(*found);
  }
  bool visible() {
    const auto coverage = kernel->probes().coverage();
    return std::any_of(coverage.begin(), coverage.end(),
                       [](const auto& one) { return one.route == "seccomp_denied" && one.seen; });
  }
};

TEST_P(Filtered, ACallThatAFilterRefusedIsTold) {
  for (const int error : {EPERM, ENOENT, ENOSYS}) {
    const auto event = made_under(GetParam().number, error, error);
    ASSERT_EQ(event.has_value(), visible());
    if (!event) continue;
    EXPECT_TRUE(event->seccomp_refused);
    EXPECT_EQ(event->error(), error);
  }
}

TEST_P(Filtered, ACallThatAFilterLetThroughIsNotMarked) {
  const auto event = made_under(SYS_sync, EPERM, GetParam().error);
  ASSERT_TRUE(event);
  EXPECT_FALSE(event->seccomp_refused);
}

INSTANTIATE_TEST_SUITE_P(Calls, Filtered, ::testing::ValuesIn(kCalls),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(Processes, OfCallsOneAfterTheOtherOnlyTheOneThatAFilterRefusedIsMarked) {
  const std::uint32_t child = in_child([] {
    return install_filter(SYS_listen, EPERM) && bind(-1, nullptr, 0) != 0 && listen(-1, 0) != 0 &&
           unlink("/missing/x") != 0 && listen(-2, 0) != 0 && connect(-1, nullptr, 0) != 0;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  int seen = 0;
  for (const Event& event : kernel->events())
    if (event.actor.tgid == child) {
      EXPECT_EQ(event.seccomp_refused, event.syscall == Syscall::listen) << to_string(event.syscall);
      ++seen;
    }
  EXPECT_GE(seen, 3) << "bind, unlink and connect, whatever is seen of listen";
}

TEST_F(Processes, ASuccessThatAFilterMadeUpBindsNothing) {
  const std::string path = "/tmp/sockward-made-up-" + std::to_string(getpid());
  const KernelSnapshot before = kernel->probes().snapshot();
  const std::uint32_t child = in_child([&] {
    const int bound = bind_path(path);  // by itself, and then once more in vain
    return bound >= 0 && install_filter(SYS_bind, 0) && bind(bound, nullptr, 0) == 0;
  });
  unlink(path.c_str());
  ASSERT_NE(child, 0u);
  EXPECT_EQ(kernel->probes().snapshot().names_bound.path, before.names_bound.path + 1);
}

TEST_F(Processes, ASuccessThatAFilterMadeUpMakesNoListener) {
  const std::string name("\0sockward-made-up-listener", 26);
  const int fd = unix_socket();
  ASSERT_EQ(bind_unix(fd, name), 0);
  const std::uint32_t child = in_child([&] { return install_filter(SYS_listen, 0) && listen(fd, 1) == 0; });
  ASSERT_NE(child, 0u);
  const BoundName bound = abstract_name(name.substr(1), namespace_of("net"));
  ASSERT_TRUE(kernel->probes().binder(bound));
  EXPECT_EQ(kernel->probes().binder(bound)->binding.listening_since.ns, 0u);
  ASSERT_EQ(listen(fd, 1), 0);
  EXPECT_GT(kernel->probes().binder(bound)->binding.listening_since.ns, 0u);
  close(fd);
}

bool forbid_sockets() {
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
  const int fd = static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0));
  return fd >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

TEST_F(Processes, TheAnswerOfASecurityModuleIsSeenWhereItsHooksCanBe) {
  if (const auto none = missing("Landlock (5.13)", forbid_sockets)) GTEST_SKIP() << *none;
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
