// Failures of what this process starts, and of nobody else: ReportFilter::only_descendants.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>

#include "base/file_descriptor.hpp"
#include "bpf/kernel_fixture.hpp"

namespace sockward::test {
namespace {

class Seen final : public RecordHandler {
 public:
  void on_record(std::span<const std::byte> record) noexcept override {
    if (const auto event = decode(record)) threads.insert(event->actor.tid);
  }
  std::set<std::uint32_t> threads;
};

/// The programs of this kernel's backend once more, for our descendants.
class Descends : public Kernel {
 protected:
  void SetUp() override {
    Kernel::SetUp();
    if (IsSkipped()) return;
    open(before_);
    stranger_ = fork();
    if (stranger_ == 0) wait_and_fail(before_);
    ProbeOptions options = LoadedKernel::options(find_cgroup_mounts());
    options.filter.only_descendants = true;
    probes_ = ProbeSet::load(options);
    ring_ = std::make_unique<RecordRing>(probes_->take_rings(), seen_);
  }
  void TearDown() override {
    before_[1].reset();
    if (stranger_ > 0) waitpid(stranger_, nullptr, 0);
  }

  using Pipe = std::array<FileDescriptor, 2>;
  static void open(Pipe& pipe) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    pipe[0].reset(ends[0]);
    pipe[1].reset(ends[1]);
  }
  [[noreturn]] static void wait_and_fail(Pipe& pipe) {
    char byte = 0;
    pipe[1].reset();
    (void)!read(pipe[0].get(), &byte, 1);
    fail();
    _exit(0);
  }
  static void fail() { (void)!bind(-1, nullptr, 0); }
  static pid_t number(int fd) {
    pid_t pid = 0;
    return read(fd, &pid, sizeof(pid)) == sizeof(pid) ? pid : 0;
  }
  static void say(int fd) {
    const auto pid = static_cast<pid_t>(gettid());
    (void)!write(fd, &pid, sizeof(pid));
  }
  const std::set<std::uint32_t>& seen() {
    (void)ring_->poll(std::chrono::milliseconds(20));
    (void)ring_->poll(std::chrono::milliseconds(20));
    return seen_.threads;
  }

  Pipe before_;
  pid_t stranger_ = -1;
  Seen seen_;
  std::unique_ptr<ProbeSet> probes_;
  std::unique_ptr<RecordRing> ring_;
};

TEST_F(Descends, AChildAndADaemonOfItsChildAreReportedAndNoOther) {
  Pipe pids;
  open(pids);
  const pid_t child = fork();
  if (child == 0) {
    fail();
    if (fork() == 0) {
      setsid();
      if (fork() == 0) {
        while (getppid() == child) usleep(1000);
        usleep(20'000);  // its parent is gone by now: whoever adopts orphans is its parent
        fail();
        say(pids[1].get());
      }
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  const pid_t daemon = number(pids[0].get());
  before_[1].reset();  // the stranger, forked before, fails now
  waitpid(std::exchange(stranger_, -1), nullptr, 0);
  fail();  // and so do we
  EXPECT_EQ(seen(), (std::set{static_cast<std::uint32_t>(child), static_cast<std::uint32_t>(daemon)}));
}

TEST_F(Descends, AThreadIsReportedAndWhatAThreadStarts) {
  Pipe pids;
  open(pids);
  const pid_t child = fork();
  if (child == 0) {
    std::thread([&] {
      fail();
      say(pids[1].get());
      if (fork() == 0) {
        fail();
        say(pids[1].get());
        _exit(0);
      }
    }).join();
    wait(nullptr);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  std::set<std::uint32_t> expected;
  for (int i = 0; i < 2; ++i) expected.insert(static_cast<std::uint32_t>(number(pids[0].get())));
  EXPECT_EQ(seen(), expected);
}

TEST_F(Descends, NoShortLivedOneIsMissed) {
  constexpr int kMany = 300;
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < kMany; ++i) {
      const pid_t one = vfork();
      if (one == 0) {
        fail();
        _exit(0);
      }
    }
    while (wait(nullptr) > 0) {
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(seen().size(), std::size_t{kMany});
}

TEST_F(Descends, ItSaysHowManyStillRun) {
  Pipe pipe;
  open(pipe);
  const auto alive = [&] {
    const auto found = probes_->descendants();
    return found ? static_cast<int>(found->alive) : -1;
  };
  EXPECT_EQ(alive(), 0);
  const pid_t child = fork();
  if (child == 0) wait_and_fail(pipe);
  EXPECT_EQ(alive(), 1);
  pipe[1].reset();
  siginfo_t end{};
  waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT);
  EXPECT_EQ(alive(), 0) << "it ended, and nobody has reaped it";
  waitpid(child, nullptr, 0);
  EXPECT_EQ(alive(), 0);
  EXPECT_EQ(probes_->descendants()->untracked, 0u);
}

}  // namespace
}  // namespace sockward::test
