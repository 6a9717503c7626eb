// Every port of the range is taken: bind to port 0 or listen without bind says EADDRINUSE, connect
// EADDRNOTAVAIL (net/ipv4/inet_connection_sock.c, inet_csk_find_open_port; inet_hashtables.c,
// __inet_hash_connect). The range is the one that the socket had at the call.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

struct Range {
  std::uint16_t low = 0, high = 0;
  std::string name;
  std::size_t size() const { return std::size_t{high} - low + 1; }
};

/// IP_LOCAL_PORT_RANGE narrows the range of the namespace (net/ipv4/inet_connection_sock.c,
/// inet_sk_get_local_port_range).
Range range_of(const SocketCall& call) {
  Range range{call.port_low, call.port_high, "net.ipv4.ip_local_port_range"};
  const std::uint16_t low = call.own_port_low, high = call.own_port_high;
  if (low == 0 && high == 0) return range;
  // Each end counts only within the range of the namespace.
  const std::uint16_t from = range.low, to = range.high;
  if (from <= low && low <= to) range.low = low;
  if (from <= high && high <= to) range.high = high;
  if (range.low != from || range.high != to)
    range.name = "the range that the socket asked for (IP_LOCAL_PORT_RANGE)";
  return range;
}

/// Ports of the range that open sockets of the namespace have, of the same protocol.
std::size_t ports_in_use(const Facts& facts, const SocketCall& call, const Range& range) {
  std::set<std::uint16_t> ports;
  if (const ScanFact& scan = facts.scan(); scan.scan)
    for (const OpenSocket& socket : scan.scan->sockets) {
      const std::uint16_t port = socket.name.address.port;
      if (socket.name.kind == BoundName::Kind::inet && socket.name.netns == call.socket_netns &&
          port_protocol(socket.name.protocol) == port_protocol(call.protocol) && port >= range.low &&
          port <= range.high)
        ports.insert(port);
    }
  return ports.size();
}

std::string range_text(const Range& range) {
  if (range.high == 0) return "the range of local ports";
  return fmt::format("{}, {} to {}", range.name, range.low, range.high);
}

}  // namespace

std::optional<Finding> ports_exhausted(const Facts& facts) {
  if (!facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  const bool bind = facts.is(Syscall::bind, EADDRINUSE) && call.address.port == 0;
  const bool listen = facts.is(Syscall::listen, EADDRINUSE) && call.bound_port == 0;
  const bool connect = facts.is(Syscall::connect, EADDRNOTAVAIL) && !call.port_chosen;
  if (!bind && !listen && !connect) return std::nullopt;
  const Range range = range_of(call);
  Finding found{
      .cause = Cause::ports_exhausted,
      .evidence = {{"the kernel had to choose a port and found none free in " + range_text(range)}}};
  if (range.high != 0 && range.high >= range.low) {
    const std::size_t used = ports_in_use(facts, call, range);
    found.note(fmt::format("open sockets use {} of its {} ports now", used, range.size()));
  }
  if (connect) found.alternative = "a source address that cannot be used is refused in the same way";
  found.advice =
      call.own_port_high != 0 || call.own_port_low != 0
          ? "let the program ask for a wider range (IP_LOCAL_PORT_RANGE), or look at who has these ports "
            "(`ss -tanp`)"
          : "look at who has them (`ss -tan`), widen net.ipv4.ip_local_port_range, keep connections open "
            "instead of making new ones";
  return found;
}

}  // namespace sockward::rules
