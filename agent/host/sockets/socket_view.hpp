#pragma once
#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "kernel/socket_scan.hpp"

namespace sockward {

/// Questions about who has which name, asked after the call (host/host_view.hpp). Implementations are
/// thread-safe.
class SocketView {
 public:
  virtual ~SocketView() = default;
  /// All bound sockets that processes have open. `shared`: a scan that began a moment before `time` will do
  /// (under load one serves many questions); `fresh`: it began after `time`.
  enum class Scan { shared, fresh };
  /// It has all that `filter` asks for; on a node with few sockets it has all of them.
  virtual Result<std::shared_ptr<const SocketScan>> scan_after(MonotonicTime time, Scan scan,
                                                               const SocketFilter& filter) const = 0;
  /// The latest scan that had ended before `time` and has all that `filter` asks for: at worst the one that
  /// was made when the agent started.
  virtual Result<std::shared_ptr<const SocketScan>> scan_before(MonotonicTime time,
                                                                const SocketFilter& filter) const = 0;
  /// BoundSockets::still_held, on a node where a scan costs much: it says who has a name without one. It does
  /// not say who else has. nullopt on others.
  virtual std::optional<OpenSocket> still_held(const OpenSocket& known) const = 0;
  /// Who bound this name last, if it is remembered.
  virtual std::optional<SocketOwner> binder(const BoundName& name) const = 0;
  /// BoundSockets::note_released, after which binder() knows of every socket that has gone by now.
  virtual Result<bool> note_released() const = 0;
};

}  // namespace sockward
