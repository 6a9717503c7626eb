#include "bpf/kernel_fixture.hpp"

#include <sys/wait.h>
#include <unistd.h>

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

LoadedKernel::LoadedKernel() {
  ProbeOptions options;
  options.filter.all_errors = true;
  options.backend = chosen_backend();
  options.ring_bytes = 4 << 20;
  options.messages = true;
  options.seccomp_denied = getenv("SOCKWARD_TEST_SECCOMP_DENIED") != nullptr;
  options.hierarchy = static_cast<CgroupHierarchy>(mounts_.kind);
  options.cgroup2_root = mounts_.v2_root;
  options.verifier_statistics = getenv("SOCKWARD_TEST_VERIFIER") != nullptr;
  probes_ = ProbeSet::load(options);
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

std::uint32_t in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? static_cast<std::uint32_t>(child) : 0;
}

}  // namespace sockward::test
