#include "base/clock.hpp"

#include <fmt/format.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <utility>

namespace sockward {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

/// CLOCK_REALTIME less CLOCK_MONOTONIC, both read at the same moment as far as that goes: of a few readings
/// the one that was interrupted least.
std::int64_t read_offset() {
  std::int64_t best = 0, shortest = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < 3; ++i) {
    const std::int64_t before = read_clock(CLOCK_MONOTONIC), wall = read_clock(CLOCK_REALTIME),
                       after = read_clock(CLOCK_MONOTONIC);
    if (after - before >= shortest) continue;
    shortest = after - before;
    best = wall - before - shortest / 2;
  }
  return best;
}

/// A timer that never ends, but whose read fails with ECANCELED when the clock was set (fs/timerfd.c,
/// timerfd_canceled; timerfd_create(2)). It goes on after that.
FileDescriptor timer_that_notices_sets() {
  FileDescriptor timer(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  constexpr time_t kFar = 8'000'000'000;  // in the year 2223; the kernel takes no more than 2^63 ns
  const itimerspec never{.it_interval = {}, .it_value = {.tv_sec = kFar, .tv_nsec = 0}};
  if (timer.valid() &&
      timerfd_settime(timer.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0)
    timer.reset();
  return timer;
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

ClockWatch::ClockWatch() : timer_(timer_that_notices_sets()), offset_(read_offset()) {}

/// Under the lock.
bool ClockWatch::was_set() const {
  constexpr std::int64_t kReadingError = 5'000'000;  // ns: a reading of two clocks may be interrupted
  std::uint64_t ended = 0;
  const bool cancelled =
      timer_.valid() && ::read(timer_.get(), &ended, sizeof(ended)) < 0 && errno == ECANCELED;
  const std::int64_t offset = read_offset(), before = std::exchange(offset_, offset);
  return cancelled || std::abs(offset - before) > kReadingError;
}

void ClockWatch::check() const {
  const std::lock_guard lock(mutex_);
  if (was_set()) noticed_ = SystemClock().monotonic();
}

bool ClockWatch::set_since(MonotonicTime time) const {
  check();
  const std::lock_guard lock(mutex_);
  return noticed_.ns != 0 && noticed_ >= time;
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
