#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/file_descriptor.hpp"

namespace sockward {

/// Nanoseconds of CLOCK_MONOTONIC, the clock of the kernel's records.
struct MonotonicTime {
  std::uint64_t ns = 0;
  auto operator<=>(const MonotonicTime&) const = default;
};

/// Nanoseconds since the epoch, UTC.
struct WallTime {
  std::int64_t ns = 0;
  auto operator<=>(const WallTime&) const = default;
};

/// The clocks of the host. A seam: tests pass a fixed one. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime monotonic() const = 0;
  /// The wall time of a monotonic time, by the present offset: right also after the clock was stepped.
  virtual WallTime wall(MonotonicTime time) const = 0;
};

class SystemClock final : public Clock {
 public:
  MonotonicTime monotonic() const override;
  WallTime wall(MonotonicTime time) const override;
  /// CLOCK_BOOTTIME less CLOCK_MONOTONIC: the time that the machine slept.
  std::uint64_t boot_offset() const;
};

/// Notices that the wall clock is set: by hand, by a time service that steps it, by the machine's sleep (as
/// seen from CLOCK_MONOTONIC, which stands still then). Slewing is not setting. What happened before this
/// object was made is not known. Thread-safe.
class ClockWatch {
 public:
  ClockWatch();

  /// Looks whether the clock was set since the last check. The more often, the better it is known when.
  void check() const;
  /// Was the clock set at this time or later? Checks first. A set is dated when it is noticed, so the answer
  /// may be true for a time shortly after it; never false for one before.
  bool set_since(MonotonicTime time) const;

 private:
  bool was_set() const;

  FileDescriptor timer_;  // invalid: the offset alone is watched
  mutable std::mutex mutex_;
  mutable std::int64_t offset_ = 0;  // CLOCK_REALTIME less CLOCK_MONOTONIC at the last check, ns
  mutable MonotonicTime noticed_;    // 0: never
};

/// "2026-11-22T02:00:00.123456789Z"
std::string rfc3339(WallTime time);
/// "02:00:00.123" in the local time zone
std::string time_of_day(WallTime time);

}  // namespace sockward
