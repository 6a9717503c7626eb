#include "base/clock.hpp"

#include <fmt/format.h>

#include <ctime>

namespace sockward {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace

MonotonicTime SystemClock::monotonic() const {
  return {static_cast<std::uint64_t>(read_clock(CLOCK_MONOTONIC))};
}

WallTime SystemClock::wall(MonotonicTime time) const {
  const std::int64_t offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
  return {static_cast<std::int64_t>(time.ns) + offset};
}

std::uint64_t SystemClock::boot_offset() const {
  return static_cast<std::uint64_t>(read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC));
}

std::string rfc3339(WallTime time) {
  const time_t seconds = time.ns / kSecond;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, time.ns % kSecond);
}

std::string time_of_day(WallTime time) {
  const time_t seconds = time.ns / kSecond;
  tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                     time.ns % kSecond / 1'000'000);
}

}  // namespace sockward
