#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/result.hpp"

namespace sockward {

/// Runs look-ups that may hang for ever (a dead NFS server, a FUSE daemon that does not answer) on a thread
/// of its own, and waits for them no longer than a limit. A thread that hangs is left behind, for nothing
/// ends uninterruptible I/O; a new one takes its place while fewer than eight hang. One that comes back after
/// all ends. Thread-safe; callers wait for each other.
class TimeLimitedWorker {
 public:
  explicit TimeLimitedWorker(std::chrono::milliseconds limit) : limit_(limit) {}
  ~TimeLimitedWorker();
  TimeLimitedWorker(const TimeLimitedWorker&) = delete;
  TimeLimitedWorker& operator=(const TimeLimitedWorker&) = delete;

  /// What `look` returns. Error timed_out: it did not in time; device_or_resource_busy: too many hang, or no
  /// thread can be started. `look` may outlive the call: it holds copies of all it uses.
  template <class T>
  Result<T> with_timeout(std::function<Result<T>()> look) {
    auto answer = std::make_shared<std::unique_ptr<Result<T>>>();
    const Error failed =
        run([look = std::move(look), answer] { *answer = std::make_unique<Result<T>>(look()); });
    if (failed.code) return failed;
    return std::move(**answer);
  }

  static constexpr unsigned kMostHanging = 8;

  /// Look-ups without an answer, ever: they took too long; they were not begun, because too many hang or
  /// no thread could be started.
  struct GivenUp {
    std::uint64_t timed_out = 0, not_begun = 0;
  };
  GivenUp given_up() const { return {timed_out_, not_begun_}; }

 private:
  struct Worker;
  /// An Error without a code: done in time.
  Error run(std::function<void()> task);

  const std::chrono::milliseconds limit_;
  std::atomic<std::uint64_t> timed_out_{0}, not_begun_{0};
  std::mutex mutex_;
  std::shared_ptr<Worker> worker_;
  const std::shared_ptr<std::atomic<unsigned>> hanging_ = std::make_shared<std::atomic<unsigned>>(0);
};

}  // namespace sockward
