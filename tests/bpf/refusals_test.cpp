// Calls that a seccomp filter or a security module answered.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/sockets.hpp"

namespace sockward::test {
namespace {

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

TEST_F(Processes, AnErrorOfOpenat2ThatAFilterMadeUpIsNotTheKernels) {
  const std::uint32_t child = in_child([] {
    return install_filter(SYS_openat2, ELOOP) && syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0) != 0 &&
           errno == ELOOP;
  });
  ASSERT_NE(child, 0u);
  wait_for_marker();
  int seen = 0;
  for (const Event& event : kernel->events())
    if (event.actor.tgid == child && event.syscall == Syscall::openat2) {
      EXPECT_FALSE(event.kernel_answered);
      ++seen;
    }
  const auto probes = kernel->probes().probes();
  const bool by_tracepoint = std::any_of(probes.begin(), probes.end(), [](const ProbeStatus& probe) {
    return probe.operation == "openat2" && probe.attached && probe.backend == Backend::tracepoint;
  });
  EXPECT_EQ(seen, by_tracepoint ? 1 : 0) << "fexit never sees it";
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
