// sockward demo: makes real failures happen, in namespaces and a temporary folder of its own.
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/startup_error.hpp"
#include "cli/demo/scenarios.hpp"
#include "cli/flags.hpp"

namespace sockward {
namespace {

/// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/sockward-demo-XXXXXX";
    if (mkdtemp(name) == nullptr)
      throw failure("cannot make a folder in /tmp", "check its permissions and free space");
    path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0711));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs one scenario in a child, so that nothing of it stays.
bool play(const Scenario& scenario, const std::string& folder) {
  std::printf("%-24s %s\n", scenario.cause, scenario.what);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const bool happened = scenario.play(folder);
    usleep(150'000);  // stay for the agent's look at /proc/pid
    _exit(happened ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  std::printf("%-24s   did not happen here\n", "");
  return false;
}

}  // namespace

bool become_nobody() {
  constexpr unsigned kNobody = 65534;
  return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
         setresuid(kNobody, kNobody, kNobody) == 0;
}

int demo_command(const DemoFlags& flags) {
  if (!flags.truncate.empty()) return bind_truncated(flags.truncate) ? 0 : 1;
  if (geteuid() != 0)
    throw failure("the demo makes namespaces and changes users", "run it as root: sudo sockward demo");
  const TemporaryFolder folder;
  std::puts(
      "Real failures, in their own namespaces and directory. Watch them with `sockward trace` or `sockward "
      "run`.");
  int failed = 0;
  for (const Scenario& scenario : scenarios()) failed += play(scenario, folder.path()) ? 0 : 1;
  return failed == 0 ? 0 : 1;
}

}  // namespace sockward
