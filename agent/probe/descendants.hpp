#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// What the kernel side knows of the processes that this one started (ReportFilter::only_descendants).
struct Descendants {
  std::size_t alive = 0;
  std::uint64_t untracked = 0;  ///< the table was full: their failures, and those of theirs, are not reported
};

/// Throws StartupError: who descends from this process cannot be seen here.
void begin_descendants(const std::vector<ProbeStatus>& probes, int map_fd);
Result<Descendants> read_descendants(int map_fd);

}  // namespace sockward
