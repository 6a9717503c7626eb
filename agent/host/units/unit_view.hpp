#pragma once
#include <string>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// What the host's systemd says of its units. Thread-safe.
class UnitView {
 public:
  virtual ~UnitView() = default;
  /// The socket unit that listens where the call went: "docker.socket". Error: systemd cannot be asked, or
  /// has none there.
  virtual Result<std::string> socket_unit(const SocketCall& call) const = 0;
};

}  // namespace sockward
