// Somebody else has the address: a TCP listener, a UDP socket, an abstract name, or a socket file that is
// served.
//
// EADDRINUSE itself proves that the name was held at that instant. It is certain who, when a socket that is
// open now is known to have been bound before the call; a holder that came or went meanwhile is likely at
// most.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

void advise(const Observation& seen, Diagnosis& found) {
  if (!found.holder) return;
  if (found.holder->kind == Holder::Kind::kernel)
    found.advice =
        "look at ss -tulpn and at what the kernel serves itself (wg show, exportfs -v); or take another port";
  else if (found.holder->kind == Holder::Kind::gone)
    found.advice = "it was held for a moment only: try again, or keep the two from running at the same time";
  else if (found.holder->pid == seen.event.actor.tgid)
    found.advice = "the process has the address itself: it binds it twice, or did not close the old socket";
  else if (found.holder->comm == seen.event.actor.comm)
    found.advice = fmt::format(
        "the same program runs already as pid {}: stop that one first, or give this one another address",
        found.holder->pid);
  else
    found.advice = fmt::format("stop pid {} or give one of the two another address", found.holder->pid);
}

class AddressInUse final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.error() != EADDRINUSE || seen.event.syscall == Syscall::connect)
      return std::nullopt;
    auto holding = holding_of(seen, *call);
    if (!holding || holding->empty()) return std::nullopt;
    Diagnosis found{.cause = Cause::address_in_use, .confidence = Confidence::likely};
    describe_holding(seen, *holding, found);
    advise(seen, found);
    return found;
  }

  static std::optional<Holding> holding_of(const Observation& seen, const SocketCall& call) {
    if (call.address.is_inet() && call.address.port != 0) return inet_holding(seen, call);
    if (call.address.kind == AddressKind::abstract) return abstract_holding(seen, call);
    const auto file = look_at_socket_file(seen);
    if (!file || file->object.kind != PathObject::Kind::socket || file->holding.open.empty())
      return std::nullopt;
    return file->holding;
  }

  /// A binder that is gone, with connections left behind, is another rule's.
  static std::optional<Holding> inet_holding(const Observation& seen, const SocketCall& call) {
    bool connections = false;
    Holding holding = find_holding(seen, name_of_call(call), [&](const OpenSocket& socket) {
      if (!conflicts(socket, call, seen.event.actor.uid)) return false;
      connections |= socket.state == OpenSocket::State::connected;
      return socket.state != OpenSocket::State::connected;
    });
    if (!holding.open.empty()) return holding;
    if (connections) return std::nullopt;
    const auto uses = seen.host.port_uses(seen.event, call.address.port, call.protocol);
    if (!uses) return holding;
    for (const PortUse& use : *uses) {
      if (use.state != PortUse::State::bound) return std::nullopt;
      holding.kernel |= belongs_to_nobody(seen, use.socket_inode);
    }
    return holding;
  }

  static bool belongs_to_nobody(const Observation& seen, std::uint64_t socket_inode) {
    const auto scan = seen.host.sockets(seen.event.time, HostView::Walk::fresh);
    return scan && (*scan)->sockets.complete_for(BoundName::Kind::inet) &&
           std::none_of((*scan)->sockets.begin(), (*scan)->sockets.end(),
                        [&](const OpenSocket& socket) { return socket.owner.socket_inode == socket_inode; });
  }

  /// Holders in another pid namespace are a collision: another rule's.
  static std::optional<Holding> abstract_holding(const Observation& seen, const SocketCall& call) {
    const BoundName wanted = name_of_call(call);
    Holding holding =
        find_holding(seen, wanted, [&](const OpenSocket& socket) { return socket.name == wanted; });
    const SocketOwner* owner = !holding.open.empty() ? &holding.open.front().owner
                               : holding.binder      ? &*holding.binder
                                                     : nullptr;
    if (owner == nullptr || owner->pidns != seen.event.actor.pidns) return std::nullopt;
    return holding;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_address_in_use() {
  return std::make_unique<AddressInUse>();
}

}  // namespace sockward
