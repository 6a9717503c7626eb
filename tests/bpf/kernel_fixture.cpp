#include "bpf/kernel_fixture.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/startup_error.hpp"

namespace sockward::test {
namespace {

std::unique_ptr<LoadedKernel> loaded;
std::string obstacle;

BackendChoice chosen_backend() {
  const char* name = getenv("SOCKWARD_TEST_BACKEND");
  const std::string backend = name == nullptr ? "" : name;
  return backend == "fexit"        ? BackendChoice::fexit
         : backend == "tracepoint" ? BackendChoice::tracepoint
                                   : BackendChoice::automatic;
}

class Unload final : public ::testing::Environment {
  void TearDown() override { LoadedKernel::unload(); }
};
const auto* const registered = ::testing::AddGlobalTestEnvironment(new Unload);  // gtest owns it

}  // namespace

ProbeOptions LoadedKernel::options(const CgroupMounts& mounts) {
  ProbeOptions options;
  options.filter.all_errors = true;
  options.backend = chosen_backend();
  options.ring_bytes = 4 << 20;
  options.messages = true;
  options.sends = true;
  options.seccomp_denied = getenv("SOCKWARD_TEST_SECCOMP_DENIED") != nullptr;
  options.hierarchy = mounts.hierarchy;
  options.cgroup2_root = mounts.v2_root;
  options.verifier_statistics = getenv("SOCKWARD_TEST_VERIFIER") != nullptr;
  return options;
}

LoadedKernel::LoadedKernel() {
  probes_ = ProbeSet::load(options(mounts_));
  for (const VerifierCost& cost : probes_->verifier_costs())
    printf("VERIFIER %s %u %u\n", cost.program.c_str(), cost.instructions, cost.stack_bytes);
  ring_ = std::make_unique<RecordRing>(probes_->take_rings(), *this);
}

LoadedKernel* LoadedKernel::instance() {
  if (loaded == nullptr && obstacle.empty()) {
    try {
      loaded.reset(new LoadedKernel);
    } catch (const StartupError& error) {
      obstacle = std::string(error.what()) + "; " + error.next_step();
    }
  }
  return loaded.get();
}

const std::string& LoadedKernel::why_not() {
  return obstacle;
}

void LoadedKernel::unload() {
  loaded.reset();
}

void LoadedKernel::on_record(std::span<const std::byte> record) noexcept {
  if (auto event = decode(record))
    events_.push_back(std::move(*event));
  else
    ++undecodable;
}

const std::vector<Event>& LoadedKernel::events() {
  (void)ring_->poll(std::chrono::milliseconds(0));
  return events_;
}

std::optional<Event> LoadedKernel::wait_for(const std::function<bool(const Event&)>& wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  for (std::size_t next = 0;;) {
    for (; next < events_.size(); ++next)
      if (wanted(events_[next])) return events_[next];
    if (std::chrono::steady_clock::now() > end) return std::nullopt;
    (void)ring_->poll(std::chrono::milliseconds(50));
  }
}

namespace {

bool enter(const std::string& cgroup) {
  std::ofstream procs(cgroup + "/cgroup.procs");
  return static_cast<bool>(procs << getpid() << std::flush);
}

/// Where this process is below the root of the hierarchy by which containers are told apart.
std::string own_cgroup(const CgroupMounts& mounts) {
  const std::string controller = mounts.controller();
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto second = line.find(':'), third = line.find(':', second + 1);
    const std::string controllers = "," + line.substr(second + 1, third - second - 1) + ",";
    if (controller.empty() ? controllers == ",,"
                           : controllers.find("," + controller + ",") != std::string::npos)
      return line.substr(third + 1);
  }
  return "/";
}

}  // namespace

OwnCgroup::OwnCgroup(LoadedKernel& kernel)
    : kernel_(kernel),
      previous_(kernel.mounts().root + own_cgroup(kernel.mounts())),
      path_(kernel.mounts().root + "/sockward-test-own-" + std::to_string(getpid())) {
  struct stat status {};
  EXPECT_EQ(mkdir(path_.c_str(), 0755), 0);
  EXPECT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_TRUE(enter(path_)) << path_;
  key_ = status.st_ino;
}

OwnCgroup::~OwnCgroup() {
  EXPECT_TRUE(enter(previous_)) << previous_;
  EXPECT_EQ(rmdir(path_.c_str()), 0);
}

std::uint64_t OwnCgroup::failures(Syscall syscall, Family family, int error) const {
  const auto counts = kernel_.probes().failures_by_source();
  EXPECT_TRUE(counts);
  std::uint64_t result = 0;
  for (const SourceCount& count : counts ? *counts : std::vector<SourceCount>{})
    if (count.container_key == key_ && !count.kind.is_outcome && count.kind.syscall == syscall &&
        count.kind.family == family && count.kind.slot == error)
      result += count.count;
  return result;
}

std::uint32_t in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? static_cast<std::uint32_t>(child) : 0;
}

std::optional<std::string> missing(const char* ability, const std::function<bool()>& attempt) {
  const pid_t child = fork();
  if (child < 0) return fmt::format("whether there is {} cannot be tried: {}", ability, strerror(errno));
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS}) signal(number, SIG_DFL);
    _exit(attempt() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    return fmt::format("no {} here: a process that tries ends by SIG{}", ability,
                       sigabbrev_np(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) return fmt::format("no {} here: the kernel refuses", ability);
  return std::nullopt;
}

}  // namespace sockward::test
