#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// One address of a network interface.
struct InterfaceAddress {
  SocketAddress address;   ///< port 0
  bool tentative = false;  ///< duplicate address detection has not finished: cannot be used yet
  bool duplicate = false;  ///< it failed: another host has the address
};

/// A network interface of the caller's network namespace.
struct NetworkInterface {
  std::uint32_t index = 0;
  std::string name;  ///< raw bytes
  bool up = false, loopback = false;
  bool ipv6_disabled = false;  ///< net.ipv6.conf.<name>.disable_ipv6
  std::vector<InterfaceAddress> addresses;
};

/// What /proc/net says of a local port: connections that no process has open any more, and sockets that have
/// the port bound or listen on it.
struct PortUse {
  enum class State { time_wait, closing, bound };  ///< closing: FIN_WAIT1, FIN_WAIT2, CLOSING or LAST_ACK
  State state = State::closing;
  std::chrono::milliseconds age{0};  ///< time_wait: since it began; 0: not known
  std::uint64_t socket_inode = 0;    ///< bound
};

/// What the routing table says of a destination.
struct Route {
  int error = 0;  ///< EACCES of a prohibit route, EINVAL of a blackhole, ENETUNREACH …; 0: there is one
  bool local = false;           ///< it is an address of this network namespace
  bool broadcast = false;       ///< it is a broadcast address of one of its links
  std::uint32_t interface = 0;  ///< that packets leave by; 0: not known
  std::string interface_name;   ///< raw bytes
  SocketAddress gateway;        ///< kind unreadable: none, the destination is on the link
  /// What the neighbour table says of the gateway, or of the destination on the link.
  enum class Neighbour { unknown, answering, failed };
  Neighbour neighbour = Neighbour::unknown;
};

/// A TCP connection of the caller's network namespace.
struct KnownConnection {
  std::uint64_t socket_inode = 0;  ///< 0: no process holds it any more (TIME_WAIT, an orphan)
  std::string state;               ///< as netstat(8) names it: "ESTABLISHED", "TIME_WAIT" …
};

/// Questions about networks, asked after the call (host/host_view.hpp). The network namespace of a call on a
/// socket is that of the socket, else the caller's. Implementations are thread-safe.
class NetworkView {
 public:
  virtual ~NetworkView() = default;
  /// Who uses a local port in the call's network namespace. `protocol`: IPPROTO_TCP or IPPROTO_UDP.
  virtual Result<std::vector<PortUse>> port_uses(const Event& event, std::uint16_t port,
                                                 int protocol) const = 0;
  /// Does any network namespace know a socket bound to a path with this last component? A socket file can be
  /// served from every one of them. Also one that no process has open: in flight between two, or held by
  /// io_uring. Only namespaces that a process lives in, or that are bind-mounted, are searched.
  virtual Result<bool> knows_socket_named(const Event& event, const std::string& name) const = 0;
  /// What the routing table of the call's network namespace answers for this destination, and what the
  /// neighbour table says of the next hop.
  virtual Result<Route> route(const Event& event, const SocketAddress& to) const = 0;
  /// Interfaces of the call's network namespace with their addresses.
  virtual Result<std::vector<NetworkInterface>> interfaces(const Event& event) const = 0;
  /// The connection with these four numbers; nullopt: there is none.
  virtual Result<std::optional<KnownConnection>> connection(const Event& event, const SocketAddress& local,
                                                            const SocketAddress& remote) const = 0;
};

}  // namespace sockward
