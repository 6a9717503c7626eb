#pragma once
#include <functional>
#include <vector>

#include "event/event.hpp"
#include "host/audit/audited_denial.hpp"
#include "telemetry/audit_loss.hpp"

namespace sockward {

/// Questions about what security modules have refused, by the kernel's audit messages. Implementations are
/// thread-safe.
class DenialView {
 public:
  using Wanted = std::function<bool(const AuditedDenial&)>;

  virtual ~DenialView() = default;
  /// The refusals of the event's process that were made while the call ran, as far as their times tell, and
  /// that are `wanted`; the oldest first. A message may come a moment after the record: where none is here,
  /// it is waited for, though not longer than until 50 ms after the call. Empty: none, or they are not read.
  virtual std::vector<AuditedDenial> denials_of(const Event& event, const Wanted& wanted) const = 0;
  /// Lost since the start, by AuditLoss.
  virtual AuditLost lost() const = 0;
};

/// Where no audit messages are read.
class NoDenials final : public DenialView {
 public:
  std::vector<AuditedDenial> denials_of(const Event& /*event*/, const Wanted& /*wanted*/) const override {
    return {};
  }
  AuditLost lost() const override { return {}; }
};

}  // namespace sockward
