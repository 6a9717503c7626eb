#pragma once
#include <chrono>
#include <cstdint>
#include <string>

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

/// "2026-11-22T02:00:00.123456789Z"
std::string rfc3339(WallTime time);
/// "02:00:00.123" in the local time zone
std::string time_of_day(WallTime time);

}  // namespace sockward
