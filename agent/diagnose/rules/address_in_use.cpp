// Somebody else has the address: a TCP listener, a UDP socket, an abstract name, a netlink port id, or a
// socket file that is served.
//
// EADDRINUSE itself proves that the name was held at that instant. It is certain who, when a socket that
// exists after the call is known to have been bound before it; a holder that came or went meanwhile is likely
// at most.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

bool belongs_to_nobody(const Facts& facts, std::uint64_t socket_inode) {
  const ScanFact& scan = facts.scan();
  return scan.after_call && scan.scan->sockets.complete_for(BoundName::Kind::inet) &&
         std::none_of(scan.scan->sockets.begin(), scan.scan->sockets.end(),
                      [&](const OpenSocket& socket) { return socket.owner.socket_inode == socket_inode; });
}

/// Those that hold a port and are no mere connections. Where only connections keep it, another rule answers:
/// connection_still_open or address_in_time_wait.
std::optional<Holding> inet_holding(const Facts& facts) {
  Holding holding = facts.holding();
  if (!holding.open.empty()) {
    if (holding.open.front().state != OpenSocket::State::connected) {
      std::erase_if(holding.open,
                    [](const OpenSocket& one) { return one.state == OpenSocket::State::connected; });
      return holding;
    }
    return std::nullopt;
  }
  if (const auto& uses = facts.port_uses())
    for (const PortUse& use : *uses) {
      if (use.state != PortUse::State::bound) return std::nullopt;
      holding.kernel = holding.kernel || belongs_to_nobody(facts, use.socket_inode);
    }
  return holding;
}

std::optional<Holding> holding_of(const Facts& facts) {
  const SocketCall& call = *facts.socket();
  if (facts.is_inet()) return call.address.port != 0 ? inet_holding(facts) : std::nullopt;
  if (facts.is_abstract()) {
    const Holding& holding = facts.holding();
    const SocketOwner* owner = !holding.open.empty() ? &holding.open.front().owner
                               : holding.binder      ? &*holding.binder
                                                     : nullptr;
    // Holders in another pid namespace: abstract_name_collision.
    return owner == nullptr || owner->process.pidns != facts.event.actor.pidns ? std::nullopt
                                                                               : std::optional(holding);
  }
  if (call.address.family == AF_NETLINK) return facts.holding();
  const auto& file = facts.socket_file();
  if (!file || file->object.kind != PathObject::Kind::socket || !file->moved.empty()) return std::nullopt;
  if (file->holding.open.empty() && !file->holding.alive_unseen && !ended_after_call(facts, *file))
    return std::nullopt;
  return file->holding;
}

}  // namespace

std::optional<Finding> address_in_use(const Facts& facts) {
  if (facts.socket() == nullptr || facts.event.error() != EADDRINUSE ||
      facts.event.syscall == Syscall::connect)
    return std::nullopt;
  const auto holding = holding_of(facts);
  if (!holding || holding->empty()) return std::nullopt;
  Finding found{.cause = Cause::address_in_use};
  describe_holding(facts, *holding, found);
  if (facts.is_unix_path()) {
    const SocketFile& file = *facts.socket_file();
    found.evidence.emplace_back("the path leads to that socket's file: " + printable(file.path).text,
                                file.is);
  }
  if (holding->open.empty() && holding->alive_unseen)
    found.advice =
        "the socket is still in the queue of a process it was sent to (SCM_RIGHTS), or held by io_uring: "
        "restart that process, or use another address";
  else if (found.holder)
    found.advice = holder_advice(facts, *found.holder);
  return found;
}

}  // namespace sockward::rules
