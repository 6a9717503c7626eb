#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sockward {

/// Why a record about a pod became no Event on it, and no part of the series of one. Closed: it is a label of
/// metrics (docs/contract.md).
enum class EventLoss {
  rate,       ///< the limits of Events were reached
  full,       ///< too many different Events waited
  late,       ///< the API could not be reached for as long as it would have kept the Event
  forbidden,  ///< by the API: the service account may not create Events
  gone,       ///< the namespace is
  refused,    ///< by the API, for another reason
  unnamed,    ///< the names of the pod were not known
  stopped,    ///< the agent stopped first
};
inline constexpr const char* kEventLosses[] = {"rate", "full",    "late",    "forbidden",
                                               "gone", "refused", "unnamed", "stopped"};
inline constexpr std::size_t kEventLossCount = static_cast<std::size_t>(EventLoss::stopped) + 1;

/// Delivery outcome of the records given to one output. Thread-safe.
struct DeliveryCounts {
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> errors{0};      ///< attempts that failed; the records may get there later
  std::atomic<std::uint64_t> dropped{0};     ///< records that never will
  std::atomic<std::uint64_t> suppressed{0};  ///< records left out on purpose: too many of one kind
  /// Of Events: both of the above, by reason.
  std::array<std::atomic<std::uint64_t>, kEventLossCount> event_losses{};
};

}  // namespace sockward
