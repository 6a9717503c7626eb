#pragma once
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "host/cpu_budget.hpp"
#include "host/sockets/socket_view.hpp"
#include "kernel/socket_scan.hpp"

namespace sockward {

/// SocketView on scans of open sockets, shared between questions, so that a storm of failures does not become
/// a storm of scans. On a node with so many sockets that one scan has no room for all of them, or takes long,
/// the following ones are told what to look for. Thread-safe.
class SocketScans final : public SocketView {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{2} << 20;

  /// `sockets` may be null: nothing is visible then. Makes the first scan at once; `limit` decides about
  /// later ones. `most_bytes`: of one scan; those that are kept have three times that at most.
  SocketScans(const BoundSockets* sockets, const Clock& clock, CpuBudget& limit,
              std::size_t most_bytes = kMostBytes);

  /// With Scan::shared, one that began 100 ms ago at most will do. Where the limit allows no new one: with
  /// Scan::shared the latest there is, else the error resource_unavailable_try_again.
  Result<std::shared_ptr<const SocketScan>> scan_after(MonotonicTime time, Scan scan,
                                                       const SocketFilter& filter) const override;
  /// Of the few that are kept; the first one is always kept.
  Result<std::shared_ptr<const SocketScan>> scan_before(MonotonicTime time,
                                                        const SocketFilter& filter) const override;
  std::optional<OpenSocket> still_held(const OpenSocket& known) const override;
  std::optional<SocketOwner> binder(const BoundName& name) const override;
  /// Also an Error: refused by the limit.
  Result<bool> note_released() const override;
  /// Notes what was released and makes a scan now, so that scan_before() and binder() can answer later.
  void refresh() const;
  /// Sockets that scans had no room for, ever.
  std::uint64_t left_out() const { return left_out_; }

 private:
  Result<std::shared_ptr<const SocketScan>> make_scan(const SocketFilter& filter) const;
  Result<std::shared_ptr<const SocketScan>> keep(const SocketFilter& filter) const;

  const BoundSockets* sockets_;
  const Clock& clock_;
  CpuBudget& limit_;
  const std::size_t most_bytes_;
  mutable std::atomic<std::uint64_t> left_out_{0};
  mutable std::atomic<bool> crowded_{false};  // a scan of all sockets is too much: ask for some
  mutable std::mutex mutex_;
  mutable std::deque<std::shared_ptr<const SocketScan>> scans_;  // newest last
  std::shared_ptr<const SocketScan> first_;
};

}  // namespace sockward
