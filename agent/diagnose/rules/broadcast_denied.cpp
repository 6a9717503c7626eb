// connect to a broadcast address without SO_BROADCAST: EACCES (net/ipv4/udp.c, datagram.c). The limited one
// is known by itself, that of a link by the routing table.
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> broadcast_denied(const Facts& facts) {
  if (!facts.is(Syscall::connect, EACCES) || !facts.is_inet()) return std::nullopt;
  const SocketAddress& to = facts.socket()->address;
  const bool limited = is_limited_broadcast(unmapped(to));
  if (!limited && !(facts.route() && facts.route()->broadcast)) return std::nullopt;
  return Finding{.cause = Cause::broadcast_denied,
                 .evidence = {{fmt::format("{} is a broadcast address, for which a socket needs SO_BROADCAST",
                                           to.ip_text()),
                               limited ? Standing::at_call() : Standing::later("looked up after the call")}},
                 .alternative = "a prohibit route or a security module answers EACCES too",
                 .advice = "set SO_BROADCAST on the socket before connect"};
}

}  // namespace sockward::rules
