#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "telemetry/audit_loss.hpp"
#include "telemetry/history_kind.hpp"
#include "telemetry/port_class.hpp"

namespace sockward {

/// A cumulative histogram of seconds. Thread-safe.
class LatencyHistogram {
 public:
  static constexpr std::array<double, 10> kBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                     0.005,  0.01,    0.05,   0.25,  1.0};
  struct View {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< not cumulative; the last is +Inf
    double sum_seconds = 0;
  };

  void observe(std::chrono::nanoseconds latency) {
    const double seconds = std::chrono::duration<double>(latency).count();
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
    const std::lock_guard lock(mutex_);
    ++view_.counts[bucket];
    view_.sum_seconds += seconds;
  }
  View view() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

 private:
  mutable std::mutex mutex_;
  View view_;
};

/// What the agent counts about itself. Every drop of a record has its counter here or in the kernel's block.
struct AgentStats {
  std::atomic<std::uint64_t> events_received{0};  ///< records taken from the ring buffer
  std::atomic<std::uint64_t> lost_decode{0};      ///< records that could not be decoded
  std::atomic<std::uint64_t> lost_queue_full{0};  ///< records dropped because the agent was behind
  std::atomic<std::uint64_t> lost_restart{0};  ///< taken by a previous agent, which died before it wrote them
  std::atomic<std::uint64_t> duplicates{0};    ///< records that a previous agent had written already
  std::atomic<std::uint64_t> lost_output{0};   ///< records a sink could not write
  std::atomic<std::uint64_t> suppressed{0};    ///< folded, or left out by records.ignore_paths
  std::atomic<std::uint64_t> series_overflow{0};  ///< diagnoses counted under ~other: the cap was reached
  /// Evicted from the history because it was full, by HistoryKind.
  std::array<std::atomic<std::uint64_t>, kHistoryKinds> history_forgotten{};
  std::atomic<std::uint64_t> sockets_left_out{0};  ///< that scans had no room for
  std::atomic<std::uint64_t> look_ups_skipped{0};  ///< events for which the CPU budget was exhausted
  /// Of files: they took too long, or too many hang already.
  std::atomic<std::uint64_t> look_ups_timed_out{0}, look_ups_not_begun{0};
  /// Failures to connect to an IP address, by number of the cause and PortClass.
  static constexpr std::size_t kMostCauses = 64;
  std::array<std::array<std::atomic<std::uint64_t>, kPortClasses>, kMostCauses> unreached{};
  /// Audit messages that were lost, by AuditLoss.
  std::array<std::atomic<std::uint64_t>, kAuditLosses> audit_lost{};
  std::atomic<bool> requests_seen{false};  ///< by which systemd-hostnamed is asked for a host name, if any
  std::atomic<bool> audit_read{false};  ///< refusals that security modules write are read, if there are any
  std::atomic<bool> config_good{true};  ///< the latest read of the configuration worked
  LatencyHistogram diagnosis_latency;   ///< from the call's return to the record's hand-over to sinks
};

}  // namespace sockward
