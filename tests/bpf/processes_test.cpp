// Programs, their ends, their namespaces, and the sockets they leave.
#include <arpa/inet.h>
#include <fcntl.h>
#include <liburing.h>
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

TEST_F(Processes, AThirdLongArgumentIsCountedNotTold) {
  std::vector<std::string> arguments{"bpf_tests", kLeave};
  for (const char* name : {"one", "two", "six"})
    arguments.push_back(std::string("/run/") + std::string(120, 'd') + "/" + name + ".sock");
  std::uint32_t child = 0;
  const auto unread = [](const KernelSnapshot& now) { return now.exec_arguments_unread; };
  EXPECT_EQ(growth(unread, 1, [&] { child = start(arguments); }), 1u);
  ASSERT_NE(child, 0u);
  wait_for_marker();
  const auto& events = kernel->events();
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [&](const Event& event) {
                            return event.actor.tgid == child &&
                                   std::holds_alternative<LongArgument>(event.call);
                          }),
            2);
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

}  // namespace
}  // namespace sockward::test
