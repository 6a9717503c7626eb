#pragma once
#include <sockward/counters.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/result.hpp"
#include "probe/mapped_array.hpp"
#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// Level (a) of the counters, memory-mapped: one block per possible CPU, and the agent's own last one.
class CounterBlocks {
 public:
  /// Throws StartupError when the map cannot be mapped.
  CounterBlocks(int map_fd, std::uint32_t blocks);
  CounterBlocks(const CounterBlocks&) = delete;
  CounterBlocks& operator=(const CounterBlocks&) = delete;

  KernelSnapshot snapshot() const;
  /// The agent's own block: counts of removed keys, in calls[][]; names that were bound before it started, in
  /// names_new.
  sockward_cpu_counters& own() { return blocks_.elements().back(); }
  const sockward_cpu_counters& own() const { return blocks_.elements().back(); }

 private:
  MappedArray<sockward_cpu_counters> blocks_;
};

/// Level (b): the bounded table by container. Thread-safe.
class SourceTable {
 public:
  SourceTable(int map_fd, std::uint32_t entries, CounterBlocks& blocks);

  Result<std::vector<SourceCount>> read() const;
  std::vector<SourceCount> retired() const;
  KernelSource::Fate retire(std::uint64_t container_key, KernelSource::Fate fate);

 private:
  Result<std::vector<std::pair<sockward_source_key, std::uint64_t>>> read_raw() const;

  int map_fd_;
  std::uint32_t entries_;
  CounterBlocks& blocks_;
  mutable std::mutex mutex_;  // a key moves from the table to the retired block under it
};

}  // namespace sockward
