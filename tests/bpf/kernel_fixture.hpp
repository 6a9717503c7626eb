// Loads the kernel side once per test program and gives tests the events of calls they make.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "event/decode.hpp"
#include "host/containers/cgroups.hpp"
#include "probe/probe_set.hpp"
#include "probe/record_ring.hpp"

namespace sockward::test {

/// What unlink(3) of the C library calls here.
#ifdef SYS_unlink
inline constexpr Syscall kUnlinkCall = Syscall::unlink;
#else
inline constexpr Syscall kUnlinkCall = Syscall::unlinkat;  // arm64
#endif

/// Everything loaded with every failed call reported. Shared by all tests: loading takes a while.
class LoadedKernel final : public RecordHandler {
 public:
  /// nullptr with a reason in `why_not()` where BPF cannot be had.
  static LoadedKernel* instance();
  static const std::string& why_not();
  static void unload();
  /// What is loaded, and as the environment asks for it (backend).
  static ProbeOptions options(const CgroupMounts& mounts);

  /// Polls until an event satisfies `wanted` or three seconds have passed.
  std::optional<Event> wait_for(const std::function<bool(const Event&)>& wanted);
  /// Takes what has arrived so far.
  const std::vector<Event>& events();

  ProbeSet& probes() { return *probes_; }
  const CgroupMounts& mounts() const { return mounts_; }
  std::uint64_t undecodable = 0;

 private:
  LoadedKernel();
  void on_record(std::span<const std::byte> record) noexcept override;

  CgroupMounts mounts_ = find_cgroup_mounts();
  std::unique_ptr<ProbeSet> probes_;
  std::unique_ptr<RecordRing> ring_;
  std::vector<Event> events_;
};

/// Skips where BPF cannot be had, unless SOCKWARD_REQUIRE_BPF=1 makes that a failure.
class Kernel : public ::testing::Test {
 protected:
  void SetUp() override {
    kernel = LoadedKernel::instance();
    if (kernel != nullptr) return;
    const char* required = getenv("SOCKWARD_REQUIRE_BPF");
    if (required != nullptr && std::string(required) == "1") FAIL() << LoadedKernel::why_not();
    GTEST_SKIP() << LoadedKernel::why_not();
  }

  /// The event of a call by this thread.
  std::optional<Event> event_of(Syscall syscall, std::uint32_t tid,
                                const std::function<bool(const Event&)>& wanted = {}) {
    return kernel->wait_for([&](const Event& event) {
      return event.syscall == syscall && event.actor.tid == tid && (!wanted || wanted(event));
    });
  }

  /// By how much a counter of the whole machine grows by what `make` does. Neighbours add to it too: it is
  /// done again until the counter grew by just `wanted`, a few times. Less than that is an answer at once.
  template <class Counter, class Make>
  std::uint64_t growth(Counter counter, std::uint64_t wanted, Make make) {
    std::uint64_t grown = 0;
    for (int round = 0; round < 20; ++round) {
      const std::uint64_t before = counter(kernel->probes().snapshot());
      make();
      grown = counter(kernel->probes().snapshot()) - before;
      if (grown <= wanted || HasFailure()) break;
    }
    return grown;
  }

  LoadedKernel* kernel = nullptr;
};

/// This process in a cgroup of its own, while it lives: what fails in there nobody else made.
class OwnCgroup {
 public:
  explicit OwnCgroup(LoadedKernel& kernel);
  ~OwnCgroup();
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  /// Failures counted for this cgroup.
  std::uint64_t failures(Syscall syscall, Family family, int error) const;

 private:
  LoadedKernel& kernel_;
  std::string previous_, path_;
  std::uint64_t key_ = 0;
};

/// Runs `body` in a child process and returns its pid once it has ended with success; 0 otherwise.
std::uint32_t in_child(const std::function<bool()>& body);

/// What a test needs and a kernel may lack is tried in a child process first, which may crash or be killed.
/// Says why it is not there, for GTEST_SKIP(); nullopt: it is there. `ability`: what is tried, for people.
std::optional<std::string> missing(const char* ability, const std::function<bool()>& attempt);

/// Asks for the events of whole processes.
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

}  // namespace sockward::test
