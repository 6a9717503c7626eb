#pragma once
#include <atomic>
#include <cstdint>

namespace sockward {

/// Delivery outcome of the records given to one output. Thread-safe.
struct DeliveryCounts {
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> errors{0};      ///< attempts that failed; the records may get there later
  std::atomic<std::uint64_t> dropped{0};     ///< records that never will
  std::atomic<std::uint64_t> suppressed{0};  ///< records left out on purpose: too many of one kind
};

}  // namespace sockward
