#pragma once
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "telemetry/bound_sockets.hpp"

namespace sockward {

/// Walks over all open sockets, shared between questions, so that a storm of failures does not become a
/// storm of walks. Thread-safe.
class SocketWalks {
 public:
  /// `sockets` may be null: nothing is visible then. Makes the first walk at once.
  SocketWalks(const BoundSockets* sockets, const Clock& clock);

  /// A walk that began after `time`; with `shared` also one that began 100 ms ago at most.
  Result<std::shared_ptr<const SocketScan>> after(MonotonicTime time, bool shared) const;
  Result<std::shared_ptr<const SocketScan>> first() const;
  std::optional<SocketOwner> binder(const BoundName& name) const;

 private:
  Result<std::shared_ptr<const SocketScan>> walk() const;

  const BoundSockets* sockets_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const SocketScan> latest_;
  std::shared_ptr<const SocketScan> first_;
};

}  // namespace sockward
