#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "event/event.hpp"

namespace sockward {

/// One request to systemd-hostnamed for another host name, seen on the system bus.
struct HostnameRequest {
  MonotonicTime time;     ///< when it was seen
  std::string method;     ///< "SetHostname" or "SetStaticHostname" (org.freedesktop.hostname1(5))
  std::string name;       ///< as asked for; raw bytes
  std::uint32_t pid = 0;  ///< of the caller, by the bus; 0: it had gone before the bus was asked
  std::uint32_t uid = 0;
  std::string comm;  ///< raw bytes; empty: it had gone
};

/// Questions about what was asked for over the system bus. Implementations are thread-safe.
class RequestView {
 public:
  virtual ~RequestView() = default;
  /// The latest request before the event for this name, if it is not older than a minute: hostnamed may wait
  /// for a password. It may be seen a moment after the change: where none is here, it is waited for, though
  /// not longer than until 100 ms after the event. nullopt: none was seen, or requests are not watched.
  virtual std::optional<HostnameRequest> request_for(const Event& event, const std::string& name) const = 0;
  /// Requests that no change can find: looking up who made them was not begun, because that had cost enough
  /// (CpuBudget), or too many came within the minute for which they are kept.
  virtual std::uint64_t skipped() const = 0;
};

/// Where the bus is not watched.
class NoRequests final : public RequestView {
 public:
  std::optional<HostnameRequest> request_for(const Event& /*event*/,
                                             const std::string& /*name*/) const override {
    return std::nullopt;
  }
  std::uint64_t skipped() const override { return 0; }
};

}  // namespace sockward
