// What the agent gives up once its probes are attached. Each test does so in a child: it is for good.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "sandbox/privileges.hpp"

namespace sockward::test {
namespace {

/// The number of the first check that failed in a child; 0: none.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

std::uint64_t capabilities(const char* set) {
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(set)) return std::stoull(line.substr(line.find('\t') + 1), nullptr, 16);
  return ~0ULL;
}

constexpr std::uint64_t bit(unsigned capability) {
  return 1ULL << capability;
}
constexpr std::uint64_t kNetAdmin = bit(12), kPtrace = bit(19), kSysAdmin = bit(21), kReadSearch = bit(2),
                        kBpf = bit(39);

TEST(Privileges, OnlyTheCapabilitiesOfTheListStayAndNoneComesBack) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_child([] {
              if (!limit_capabilities({}, false)) return 1;
              const std::uint64_t all = kNetAdmin | kPtrace | kSysAdmin | kReadSearch | kBpf;
              if ((capabilities("CapEff") & ~all) != 0 || (capabilities("CapEff") & kBpf) == 0) return 2;
              if ((capabilities("CapPrm") & ~all) != 0 || capabilities("CapInh") != 0) return 3;
              if ((capabilities("CapBnd") & ~all) != 0) return 4;
              if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 5;
              int in_thread = 0;
              std::thread([&] { in_thread = (capabilities("CapEff") & ~all) == 0 ? 0 : 6; }).join();
              return in_thread;
            }),
            0);
}

TEST(Privileges, ThreadsOfHttpAndSettingsHaveLess) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_child([] {
              if (!limit_capabilities({"CAP_SYS_PTRACE"}, true)) return 1;
              return (capabilities("CapEff") & ~(kReadSearch | kBpf)) == 0 ? 0 : 2;
            }),
            0);
}

TEST(Privileges, NoThreadCanStartProgramsOrLoadBpfAnyMore) {
  EXPECT_EQ(
      in_child([] {
        int answer = 0;
        std::atomic<bool> forbidden = false;
        // A thread that ran before is bound too.
        std::thread other([&] {
          while (!forbidden) std::this_thread::yield();
          if (syscall(SYS_execve, "/bin/true", nullptr, nullptr) == 0 || errno != EPERM) answer = 2;
        });
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        const bool done = static_cast<bool>(forbid_dangerous_calls());
        forbidden = true;
        other.join();
        if (!done || answer != 0) return done ? answer : 1;
        for (const long call : {SYS_mount, SYS_ptrace, SYS_setuid, SYS_init_module, SYS_perf_event_open})
          if (syscall(call, 0, 0, 0, 0, 0) == 0 || errno != EPERM) return 3;
        bpf_attr none{};
        for (const int command : {BPF_PROG_LOAD, BPF_MAP_CREATE, BPF_LINK_CREATE})
          if (syscall(SYS_bpf, command, &none, sizeof(none)) == 0 || errno != EPERM) return 4;
        // What the agent lives by is not touched: no such map, or no right to ask, but not this filter.
        none.map_fd = 9999;
        if (syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &none, sizeof(none)) == 0) return 5;
        if (geteuid() == 0 && errno == EPERM) return 6;
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        return fd >= 0 ? 0 : 7;
      }),
      0);
}

TEST(Privileges, EveryKeptCapabilityIsNamedAsTheKernelDoesAndSaysWhatForItIs) {
  for (const KeptCapability& kept : kept_capabilities()) {
    EXPECT_TRUE(std::string(kept.name).starts_with("CAP_"));
    EXPECT_FALSE(std::string(kept.needs).empty());
  }
}

}  // namespace
}  // namespace sockward::test
