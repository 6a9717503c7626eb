#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/time_limited_worker.hpp"
#include "host/units/unit_view.hpp"

namespace sockward {

/// One address of a socket unit, as systemd prints it (property Listen of
/// org.freedesktop.systemd1.Socket(5)).
struct UnitAddress {
  std::string unit;     ///< "docker.socket"
  std::string kind;     ///< Stream, Datagram, SequentialPacket, …
  std::string address;  ///< "/run/docker.sock", "@name", "[::]:80", "127.0.0.1:80"
};

/// Does a socket of that address stand in the way of the call's? Of two internet addresses one may be the
/// wildcard. Pure.
bool is_address_of(const UnitAddress& listens, const SocketCall& call);

/// Asks systemd over its private socket (/run/systemd/private of the node), as systemctl does for root. The
/// answer is kept for five seconds. Waits 200 ms at most. Thread-safe.
class SystemdSockets final : public UnitView {
 public:
  explicit SystemdSockets(std::string bus = "/proc/1/root/run/systemd/private");

  Result<std::string> socket_unit(const SocketCall& call) const override;
  TimeLimitedWorker::GivenUp given_up() const { return worker_.given_up(); }

 private:
  using Addresses = std::vector<UnitAddress>;
  const std::string bus_;
  mutable TimeLimitedWorker worker_;
  mutable std::mutex mutex_;
  mutable std::chrono::steady_clock::time_point asked_{};
  mutable std::unique_ptr<Result<Addresses>> known_;
};

}  // namespace sockward
