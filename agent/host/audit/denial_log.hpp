#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "host/audit/denial_view.hpp"
#include "host/cpu_budget.hpp"

namespace sockward {

/// The latest refusals, bounded in number, and the wait for those that are under way. Waiting costs no CPU,
/// but keeps other records waiting, so it has a budget: in a storm of refusals that no message explains it is
/// a tenth of the time. Thread-safe.
class DenialLog final : public DenialView {
 public:
  static constexpr std::size_t kEntries = 512;
  /// A message belongs to a call that returned at most this long after it: the stamp's tick, and the time in
  /// which a refused call gets from the refusal to its end on a busy machine.
  static constexpr std::chrono::milliseconds kWindow{100};
  /// And the error of converting the one clock into the other.
  static constexpr std::chrono::milliseconds kClockError{5};
  static constexpr std::chrono::milliseconds kPatience{50};

  /// `clock` must outlive this object.
  explicit DenialLog(const Clock& clock) : clock_(clock), waits_(clock) {}

  std::vector<AuditedDenial> denials_of(const Event& event, const Wanted& wanted) const override;
  AuditLost lost() const override;

  void add(AuditedDenial denial);
  void count(AuditLoss loss);

 private:
  std::vector<AuditedDenial> find(const Event& event, const Wanted& wanted) const;  // under the lock

  const Clock& clock_;
  mutable CpuBudget waits_;
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::deque<AuditedDenial> denials_;  // in the order in which they came
  AuditLost lost_{};
};

}  // namespace sockward
