#include "host/audit/denial_log.hpp"

namespace sockward {
namespace {

constexpr std::int64_t nanoseconds(std::chrono::nanoseconds time) {
  return time.count();
}

}  // namespace

std::vector<AuditedDenial> DenialLog::find(const Event& event, const Wanted& wanted) const {
  const WallTime returned = clock_.wall(event.time);
  const WallTime first{returned.ns - nanoseconds(kWindow)}, last{returned.ns + nanoseconds(kClockError)};
  std::vector<AuditedDenial> found;
  for (const AuditedDenial& denial : denials_)
    if (denial.tgid == event.actor.tgid && denial.time >= first && denial.time <= last && wanted(denial))
      found.push_back(denial);
  return found;
}

std::vector<AuditedDenial> DenialLog::denials_of(const Event& event, const Wanted& wanted) const {
  std::unique_lock lock(mutex_);
  auto found = find(event, wanted);
  const MonotonicTime began = clock_.monotonic();
  const std::uint64_t until = event.time.ns + static_cast<std::uint64_t>(nanoseconds(kPatience));
  if (!found.empty() || began.ns >= until || !waits_.may_begin()) return found;
  came_.wait_for(lock, std::chrono::nanoseconds(until - began.ns), [&] {
    found = find(event, wanted);
    return !found.empty();
  });
  waits_.ended(began);
  return found;
}

AuditLost DenialLog::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void DenialLog::add(AuditedDenial denial) {
  // Older than this, no record that is still in the queue is likely to ask for it.
  constexpr std::chrono::seconds kNeeded{1};
  {
    const std::lock_guard lock(mutex_);
    if (denials_.size() == kEntries) {
      if (denials_.front().time.ns + nanoseconds(kNeeded) > denial.time.ns)
        ++lost_[static_cast<std::size_t>(AuditLoss::full)];
      denials_.pop_front();
    }
    denials_.push_back(std::move(denial));
  }
  came_.notify_all();
}

void DenialLog::count(AuditLoss loss) {
  const std::lock_guard lock(mutex_);
  ++lost_.at(static_cast<std::size_t>(loss));
}

}  // namespace sockward
