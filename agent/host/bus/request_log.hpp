#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/clock.hpp"
#include "host/bus/request_view.hpp"
#include "host/cpu_budget.hpp"

namespace sockward {

/// The latest requests, bounded in number, and the wait for one that is under way. Thread-safe.
class RequestLog final : public RequestView {
 public:
  static constexpr std::size_t kEntries = 64;
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::chrono::milliseconds kPatience{100};

  /// `clock` must outlive this object.
  explicit RequestLog(const Clock& clock) : clock_(clock), look_ups_(clock) {}

  std::optional<HostnameRequest> request_for(const Event& event, const std::string& name) const override;
  std::uint64_t skipped() const override { return look_ups_.refused() + evicted_; }
  /// Of finding out who made a request: anybody can make thousands.
  CpuBudget& look_ups() { return look_ups_; }
  void add(HostnameRequest request);

 private:
  std::optional<HostnameRequest> find(const Event& event, const std::string& name) const;  // under the lock

  const Clock& clock_;
  CpuBudget look_ups_;
  std::atomic<std::uint64_t> evicted_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::deque<HostnameRequest> requests_;  // in the order in which they came
};

}  // namespace sockward
