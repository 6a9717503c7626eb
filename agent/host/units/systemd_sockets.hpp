#pragma once
#include <chrono>
#include <mutex>
#include <optional>
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

/// Asks systemd over its private socket (/run/systemd/private of the node), as systemctl does for root. An
/// address that it lists is known for five seconds; one that it does not list is asked for again after a
/// second, because anybody can fail often at an address of systemd's; a systemd that did not answer, after
/// two. Waits a second at most. Thread-safe.
class SystemdSockets final : public UnitView {
 public:
  explicit SystemdSockets(std::string bus = "/proc/1/root/run/systemd/private");

  Result<std::string> socket_unit(const SocketCall& call) const override;
  TimeLimitedWorker::GivenUp given_up() const { return worker_.given_up(); }

 private:
  using Addresses = std::vector<UnitAddress>;
  /// The unit of the call's address by what systemd said last. Holds mutex_.
  Result<std::string> listed(const SocketCall& call) const;

  const std::string bus_;
  mutable TimeLimitedWorker worker_;
  mutable std::mutex mutex_;
  mutable std::optional<std::chrono::steady_clock::time_point> asked_;
  mutable Result<Addresses> known_ = Addresses{};
};

}  // namespace sockward
