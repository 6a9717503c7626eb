// A kernel side for tests of what is shown of its counters.
#pragma once
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "telemetry/kernel_counters.hpp"

namespace sockward::test {

/// It has one kind of failure, and a table by container that takes `room` keys.
class FakeKernel final : public KernelSource {
 public:
  static constexpr Syscall kSyscall = Syscall::bind;
  static constexpr Family kFamily = Family::unix_;
  static constexpr std::uint16_t kSlot = EADDRINUSE;

  std::size_t room = 100;
  std::map<std::uint64_t, std::uint64_t> table;
  std::uint64_t all = 0, retired_count = 0;
  bool host_room = true;
  KernelSnapshot others;                   ///< the other counters
  mutable std::vector<std::string> reads;  ///< which counters were read, in this order

  void fail(std::uint64_t container, std::uint64_t calls) {
    all += calls;
    if (table.contains(container) || table.size() < room) table[container] += calls;
  }
  KernelSnapshot snapshot() const override {
    reads.emplace_back("snapshot");
    KernelSnapshot snapshot = others;
    snapshot.calls[static_cast<std::size_t>(kSyscall)][static_cast<std::size_t>(kFamily)][kSlot] = all;
    return snapshot;
  }
  Result<std::vector<SourceCount>> failures_by_source() const override {
    reads.emplace_back("failures_by_source");
    std::vector<SourceCount> counts;
    for (const auto& [key, count] : table) counts.push_back({key, {kSyscall, kFamily, kSlot}, count});
    return counts;
  }
  std::vector<SourceCount> retired() const override {
    reads.emplace_back("retired");
    return {{0, {kSyscall, kFamily, kSlot}, retired_count}};
  }
  Fate retire(std::uint64_t key, Fate fate) override {
    if (fate == Fate::host && !host_room) fate = Fate::remember;
    if (fate == Fate::remember) retired_count += table[key];
    const std::uint64_t count = table[key];
    table.erase(key);
    if (fate == Fate::host) table[KernelSource::kHostKey] += count;
    return fate;
  }
  std::vector<ProgramStats> programs() const override {
    return {{.name = "bind_tp", .counts_calls = true, .missed = 2, .run_time_ns = 1'500'000'000},
            {.name = "sock_release", .missed = 5}};
  }
  std::vector<ProbeStatus> probes() const override { return {}; }
  std::vector<Coverage> coverage() const override { return {}; }
};

}  // namespace sockward::test
