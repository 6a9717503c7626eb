#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace sockward {

/// Keeps look-ups whose cost grows with the node (a scan of all open sockets, a search of /proc/net) to a
/// tenth of a core in the long run: a storm of failures on a node with a hundred thousand sockets would keep
/// the agent busy otherwise. A second of them may come at once; on most nodes that is a thousand look-ups.
/// Thread-safe.
class CpuBudget {
 public:
  static constexpr std::uint64_t kBurst = 1'000'000'000, kShare = 10;  // ns; one part in ten of the time
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};       // as a burst: none is refused

  explicit CpuBudget(const Clock& clock, std::uint64_t burst = kBurst)
      : clock_(clock), burst_(burst), counted_(clock.monotonic().ns) {}

  /// May one begin now? Counts a refusal.
  bool may_begin() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t now = clock_.monotonic().ns;
    const std::uint64_t gained = (now - counted_) / kShare;
    spent_ -= gained < spent_ ? gained : spent_;
    counted_ = now;
    if (spent_ < burst_) return true;
    ++refused_;
    return false;
  }
  /// One that began at `began` has just ended.
  void ended(MonotonicTime began) {
    const std::lock_guard lock(mutex_);
    spent_ += clock_.monotonic().ns - began.ns;
  }
  std::uint64_t refused() const { return refused_; }

  /// Counts the time of one look-up, from here to the end of the scope, whatever comes of it.
  class Use {
   public:
    Use(CpuBudget& limit, const Clock& clock) : limit_(limit), began_(clock.monotonic()) {}
    ~Use() { limit_.ended(began_); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    CpuBudget& limit_;
    const MonotonicTime began_;
  };

 private:
  const Clock& clock_;
  const std::uint64_t burst_;
  std::mutex mutex_;
  std::uint64_t spent_ = 0, counted_ = 0;  // ns that were taken and not yet gained back; when that was so
  std::atomic<std::uint64_t> refused_{0};
};

/// The answer of a look-up that the limit has refused, which equals resource_unavailable_try_again. Nothing
/// else here answers so. `operation`: what was not tried: "scan open sockets".
Error budget_exhausted(std::string operation);

}  // namespace sockward
