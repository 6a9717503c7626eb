// No listener has the port, but a connection that has it as its own is still open: one that came through a
// listener that is gone, or an outgoing one that was given the port.
#include <fmt/format.h>

#include <cerrno>
#include <set>

#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

/// Connections of this process: a socket may have several descriptors, in several processes.
std::size_t connections_of(const Holding& holding, const SocketOwner& owner) {
  std::set<std::uint64_t> sockets;
  for (const OpenSocket& socket : holding.open)
    if (socket.owner.process.tgid == owner.process.tgid) sockets.insert(socket.owner.socket_inode);
  return sockets.size();
}

/// Did the kernel choose this port for an outgoing connection? Then nobody was seen to bind it.
bool is_outgoing(const Facts& facts, const SocketCall& call) {
  const std::uint16_t port = call.address.port;
  return call.port_high != 0 && port >= call.port_low && port <= call.port_high && !facts.holding().binder;
}

}  // namespace

std::optional<Finding> connection_still_open(const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (!facts.is(Syscall::bind, EADDRINUSE) || !facts.is_inet() || call->address.port == 0)
    return std::nullopt;
  const Holding& holding = facts.holding();
  if (holding.open.empty()) return std::nullopt;
  for (const auto& socket : holding.open)
    if (socket.state != OpenSocket::State::connected) return std::nullopt;
  const SocketOwner& owner = holding.open.front().owner;
  const std::size_t connections = connections_of(holding, owner);
  Finding found{.cause = Cause::connection_still_open,
                .evidence = {{fmt::format("no socket listens on the port; {} has {} open connection{} on it",
                                          owner_text(owner), connections, connections == 1 ? "" : "s"),
                              Standing::later("looked up after the call")}},
                .alternative = "a listener that ended right after the call leaves its connections behind"};
  found.holder = to_holder(owner);
  if (is_outgoing(facts, *call)) {
    found.note(fmt::format(
        "the port lies in the range for outgoing connections, {} to {}, and no bind of it was seen",
        call->port_low, call->port_high));
    found.advice = fmt::format(
        "close that connection; to keep outgoing connections off this port: sysctl "
        "net.ipv4.ip_local_reserved_ports={}",
        call->address.port);
  } else {
    found.advice = call->reuseaddr
                       ? "end that process: its connections were made without SO_REUSEADDR on their side"
                       : "end that process, or set SO_REUSEADDR on the server's socket before bind";
  }
  return found;
}

}  // namespace sockward::rules
