#pragma once
#include <cstdint>

#include "telemetry/audit_loss.hpp"

namespace sockward {

/// What whoever runs the look-ups does for them, and counts of them. Thread-safe.
class HostUpkeep {
 public:
  virtual ~HostUpkeep() = default;
  /// Notes what was released, and makes a scan now, so that SocketView::binder() and scan_before() can answer
  /// later. Also checks the clock, so that TimeView::clock_set_since() dates a change well.
  virtual void refresh_socket_scan() const = 0;
  /// Ever: sockets that scans had no room for; requests over the system bus that no change of a host name can
  /// find (RequestView::skipped()).
  struct Omissions {
    std::uint64_t sockets = 0, requests = 0;
    /// Look-ups of files that took too long, and that were not begun because too many hang.
    std::uint64_t files_timed_out = 0, files_not_begun = 0;
    /// Audit messages, by AuditLoss.
    AuditLost audit{};
  };
  virtual Omissions omissions() const = 0;
};

}  // namespace sockward
