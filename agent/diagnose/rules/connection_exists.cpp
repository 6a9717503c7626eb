// connect from a port that the program chose, to an address that this very port is connected to already:
// EADDRNOTAVAIL (net/ipv4/inet_hashtables.c, __inet_check_established).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> connection_exists(const Facts& facts) {
  if (!facts.is(Syscall::connect, EADDRNOTAVAIL) || !facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  if (!call.port_chosen || call.source.port == 0 || !facts.connection() || !*facts.connection())
    return std::nullopt;
  const KnownConnection& known = **facts.connection();
  const auto from = address_text(call.source), to = address_text(call.address);
  Finding found{
      .cause = Cause::connection_exists,
      .evidence = {{fmt::format("the socket is bound to {}, and a connection from there to {} exists ({})",
                                from ? from->text : "?", to ? to->text : "?", known.state),
                    Standing::later("looked up after the call")}}};
  if (const ScanFact& scan = facts.scan(); scan.scan && known.socket_inode != 0)
    for (const OpenSocket& socket : scan.scan->sockets)
      if (socket.owner.socket_inode == known.socket_inode) {
        found.holder = to_holder(socket.owner);
        found.note(owner_text(socket.owner) + " has that connection open");
        break;
      }
  found.advice = "do not bind a port before connect (or bind to port 0), or close the old connection first";
  return found;
}

}  // namespace sockward::rules
