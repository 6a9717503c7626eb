// Who has the abstract name that a bind could not have: found in the kernel when the call returns.
#include <fcntl.h>
#include <sys/wait.h>

#include "bpf/sockets.hpp"

namespace sockward::test {
namespace {

const std::string kName("\0sockward-seen", 14);

std::uint64_t inode_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

class SeenHolders : public WithFolder {
 protected:
  /// Of the bind of this name that fails now with EADDRINUSE.
  std::optional<SeenHolder> holder_of_bind(int type, const std::string& name = kName) {
    const int fd = unix_socket(type);
    timespec began{};
    clock_gettime(CLOCK_MONOTONIC, &began);
    const MonotonicTime since{began.tv_sec * 1'000'000'000ULL + static_cast<std::uint64_t>(began.tv_nsec)};
    EXPECT_EQ(bind_unix(fd, name), EADDRINUSE);
    const auto event = event_of(Syscall::bind, static_cast<std::uint32_t>(gettid()), [&](const Event& e) {
      return e.time >= since && e.error() == EADDRINUSE && std::holds_alternative<SocketCall>(e.call);
    });
    EXPECT_TRUE(event);
    if (event) failed_at = event->time;
    close(fd);
    return event ? std::get<SocketCall>(event->call).holder : std::nullopt;
  }

  MonotonicTime failed_at;
};

TEST_F(SeenHolders, WhoBoundTheNameAndHasItOpenIsInTheRecord) {
  const int fd = unix_socket();
  ASSERT_EQ(bind_unix(fd, kName), 0);
  const std::uint64_t inode = inode_of(fd);
  const auto holder = holder_of_bind(SOCK_STREAM);
  close(fd);
  const int next = unix_socket();
  ASSERT_EQ(bind_unix(next, kName), 0) << "the name table knows this one by now";
  ASSERT_TRUE(holder);
  EXPECT_TRUE(holder->has_open);
  EXPECT_EQ(holder->binder.process.tgid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(holder->binder.process.pidns, namespace_of("pid"));
  EXPECT_EQ(holder->binder.socket_inode, inode);
  EXPECT_EQ(holder->binder.fd, fd);
  EXPECT_LT(holder->binder.binding.time, failed_at);
  EXPECT_EQ(holder->binder.binding.released.ns, 0u);
  close(next);
}

TEST_F(SeenHolders, ABinderThatGaveTheSocketAwayHasItNotOpen) {
  const int fd = unix_socket();
  ASSERT_EQ(bind_unix(fd, kName), 0);
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 40);
  close(fd);
  const auto moved = holder_of_bind(SOCK_STREAM);
  ASSERT_TRUE(moved);
  EXPECT_TRUE(moved->has_open) << "under another descriptor";
  int pipe[2];
  ASSERT_EQ(pipe2(pipe, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    char c = 0;
    ::close(pipe[1]);
    (void)!read(pipe[0], &c, 1);
    _exit(0);
  }
  close(copy);
  const auto given = holder_of_bind(SOCK_STREAM);
  close(pipe[1]);
  close(pipe[0]);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(given);
  EXPECT_FALSE(given->has_open);
  EXPECT_EQ(given->binder.process.tgid, static_cast<std::uint32_t>(getpid())) << "who bound it";
}

TEST_F(SeenHolders, ABinderThatHasEndedHasItNotOpen) {
  const int fd = unix_socket();  // before the fork: the child binds it, and this process has it
  const pid_t child = fork();
  if (child == 0) _exit(bind_unix(fd, kName));
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const auto holder = holder_of_bind(SOCK_STREAM);
  close(fd);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->binder.process.tgid, static_cast<std::uint32_t>(child));
  EXPECT_FALSE(holder->has_open);
}

// The name table keeps one binder of a name, and sockets of different types have different names.
TEST_F(SeenHolders, ABinderOfAnotherTypeAndOneThatHasGoneAreNone) {
  const int stream = unix_socket(), datagram = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(bind_unix(stream, kName), 0);
  ASSERT_EQ(bind_unix(datagram, kName), 0);
  EXPECT_FALSE(holder_of_bind(SOCK_STREAM)) << "the table has the one of datagrams";
  EXPECT_TRUE(holder_of_bind(SOCK_DGRAM));
  close(datagram);
  EXPECT_FALSE(holder_of_bind(SOCK_STREAM)) << "that one is gone";
  close(stream);
}

TEST_F(SeenHolders, NamesThatBeginAlikeAreOthersAndPathsHaveNone) {
  const int fd = unix_socket(), longer = unix_socket(), file = unix_socket();
  const std::string full = kName + std::string(108 - kName.size(), 'x');
  ASSERT_EQ(bind_unix(fd, kName), 0);
  ASSERT_EQ(bind_unix(longer, full), 0);
  ASSERT_EQ(bind_unix(file, folder + "/x"), 0);
  const auto holder = holder_of_bind(SOCK_STREAM, full);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->binder.socket_inode, inode_of(longer));
  EXPECT_FALSE(holder_of_bind(SOCK_STREAM, folder + "/x"));
  for (const int each : {fd, longer, file}) close(each);
}

}  // namespace
}  // namespace sockward::test
