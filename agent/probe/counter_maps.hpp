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
  /// `carried_fd`: two more blocks, with what versions of another layout have counted; -1: there is none.
  /// Throws StartupError when a map cannot be mapped.
  CounterBlocks(int map_fd, std::uint32_t blocks, int carried_fd);
  CounterBlocks(const CounterBlocks&) = delete;
  CounterBlocks& operator=(const CounterBlocks&) = delete;

  KernelSnapshot snapshot() const;
  /// The agent's own block: counts of removed keys, in calls[][]; names that were bound before it started, in
  /// names_new.
  sockward_cpu_counters& own() { return blocks_.elements().back(); }
  const sockward_cpu_counters& own() const { return blocks_.elements().back(); }
  /// What agents of another layout had in their own blocks; nullptr: there were none.
  const sockward_cpu_counters* carried_own() const;

 private:
  MappedArray<sockward_cpu_counters> blocks_, carried_;
};

/// Level (b): the bounded table by container. Thread-safe.
class SourceTable {
 public:
  /// `map_fds`: the table, and perhaps another one with what was carried over; those of -1 are left out.
  SourceTable(const std::vector<int>& map_fds, CounterBlocks& blocks);

  Result<std::vector<SourceCount>> read() const;
  std::vector<SourceCount> retired() const;
  KernelSource::Fate retire(std::uint64_t container_key, KernelSource::Fate fate);

 private:
  using Entries = std::vector<std::pair<sockward_source_key, std::uint64_t>>;
  static Result<Entries> read_raw(int map_fd);
  KernelSource::Fate retire_from(int map_fd, const Entries& all, std::uint64_t container_key,
                                 KernelSource::Fate fate);

  std::vector<int> map_fds_;
  CounterBlocks& blocks_;
  mutable std::mutex mutex_;  // a key moves from the table to the retired block under it
};

}  // namespace sockward
