#include "diagnose/holding.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

#include "base/printable.hpp"
#include "diagnose/facts.hpp"

namespace sockward {
namespace {

bool same_process(const SocketOwner& one, const SocketOwner& other) {
  return one.process.tgid == other.process.tgid &&
         one.process.leader_start_ns == other.process.leader_start_ns;
}

/// The names that, held by a process that has left since, may have kept the call from its own.
std::vector<BoundName> names_in_the_way(const BoundName& name) {
  std::vector<BoundName> names{name};
  if (name.kind != BoundName::Kind::inet) return names;
  for (const AddressKind kind : {AddressKind::inet, AddressKind::inet6}) {
    BoundName any = name;
    any.address = {.kind = kind,
                   .family = static_cast<std::uint16_t>(kind == AddressKind::inet ? AF_INET : AF_INET6),
                   .name = {},
                   .port = name.address.port};
    if (!(any == name)) names.push_back(any);
  }
  return names;
}

/// A binder counts only if its socket would have been in the way: an IPv6 wildcard with IPV6_V6ONLY does not
/// conflict with IPv4, and sockets may share a port (SO_REUSEADDR, SO_REUSEPORT). The most specific name
/// comes first.
std::vector<SocketOwner> binders_in_the_way(const Facts& facts, const BoundName& name,
                                            const SocketTest& holds) {
  std::vector<SocketOwner> found;
  for (const BoundName& candidate : names_in_the_way(name)) {
    const auto binder = facts.binder(candidate);
    if (!binder || binder->binding.time >= facts.event.time ||
        binder->binding.released_before(facts.event.time))
      continue;
    // A listener ends as one; what was not seen to end may listen.
    const bool may_listen = binder->binding.listened || binder->binding.released.ns == 0;
    const auto state = may_listen ? OpenSocket::State::listening : OpenSocket::State::idle;
    if (holds({.name = candidate, .owner = *binder, .state = state, .path = {}})) found.push_back(*binder);
  }
  return found;
}

/// Would it not be in the way if it did not listen?
bool needs_listening(const OpenSocket& socket, const SocketTest& holds) {
  if (socket.state != OpenSocket::State::listening) return false;
  OpenSocket idle = socket;
  idle.state = OpenSocket::State::idle;
  return !holds(idle);
}

/// Sockets that are known to have been in the way before the call: of those who bound the name, by the name
/// table, and those of an earlier scan.
std::vector<OpenSocket> known_before(const Facts& facts, const BoundName& name) {
  std::vector<OpenSocket> known;
  for (const BoundName& candidate : names_in_the_way(name)) {
    const auto binder = facts.binder(candidate);
    if (!binder || binder->binding.time >= facts.event.time || binder->binding.released.ns != 0) continue;
    const auto fd = static_cast<std::uint32_t>(binder->fd);
    if (binder->fd >= 0) known.push_back({.name = candidate, .owner = *binder, .fd = fd, .path = {}});
  }
  if (const auto& earlier = facts.earlier_scan(); earlier && *earlier)
    for (OpenSocket& socket : (*earlier)->sockets.near(name)) known.push_back(std::move(socket));
  return known;
}

/// Did it listen before the call, as far as it is known?
bool listened_before(const Facts& facts, const OpenSocket& known) {
  const MonotonicTime since = known.owner.binding.listening_since;
  return known.state == OpenSocket::State::listening || (since.ns != 0 && since < facts.event.time);
}

/// A holder that was known before the call, when its socket still has the name and it still has the socket:
/// then it had both all the time. Of the internet only a listener, for others may share a port with a socket
/// that is only bound.
std::optional<OpenSocket> still_holding(const Facts& facts, const BoundName& name, const SocketTest& holds) {
  for (const OpenSocket& known : known_before(facts, name)) {
    if (known.name.kind != BoundName::Kind::inet && !(known.name == name)) continue;
    if (known.state == OpenSocket::State::connected) continue;
    auto socket = facts.still_held(known);
    if (!socket || !holds(*socket)) continue;
    if (socket->name.kind == BoundName::Kind::inet && socket->state != OpenSocket::State::listening) continue;
    if (needs_listening(*socket, holds) && !listened_before(facts, known)) continue;
    const OwnerProcess& process = socket->owner.process;
    if (facts.mount_namespace({process.tgid, process.leader_start_ns})) return socket;
  }
  return std::nullopt;
}

/// What is known of one open socket at the time of the call.
class Past {
 public:
  Past(const Facts& facts, const SocketTest& holds) : facts_(facts), holds_(holds) {
    if (const auto& earlier = facts.earlier_scan()) earlier_ = earlier->get();
  }

  Standing of_socket(const OpenSocket& socket) {
    const auto binder = facts_.binder(socket.name);
    const bool bound = binder && binder->socket_inode == socket.owner.socket_inode &&
                       binder->binding.time < facts_.event.time;
    // An accepted connection shows the name of its listener and does not hold it (net/unix/af_unix.c,
    // unix_stream_connect).
    if (!bound && socket.name.kind == BoundName::Kind::abstract &&
        socket.state == OpenSocket::State::connected)
      return Standing::later("it may be a connection to a server that had the name");
    if (!bound && !met(socket, [](const OpenSocket&) { return true; }))
      return Standing::later("whether that socket was bound before the call is not known");
    if (needs_listening(socket, holds_) && !listened_before(socket, binder))
      return Standing::later(
          "it can share the port unless it listens, and it may have begun to listen after the call");
    return Standing::unchanged();
  }

  Standing of_process(const OpenSocket& socket) {
    const auto binder = facts_.binder(socket.name);
    if (binder && binder->socket_inode == socket.owner.socket_inode && binder->binding.time.ns != 0 &&
        same_process(*binder, socket.owner))
      return Standing::unchanged();
    if (met(socket, [&](const OpenSocket& old) { return same_process(old.owner, socket.owner); }))
      return Standing::unchanged();
    return Standing::later(owner_text(socket.owner) + " may have been given the socket after the call");
  }

 private:
  bool met(const OpenSocket& socket, const SocketTest& as) const {
    if (earlier_ == nullptr) return false;
    const auto known = earlier_->sockets.of_socket(socket.owner.socket_inode);
    return std::any_of(known.begin(), known.end(),
                       [&](const OpenSocket& old) { return old.name == socket.name && as(old); });
  }
  bool listened_before(const OpenSocket& socket, const std::optional<SocketOwner>& binder) const {
    if (binder && binder->socket_inode == socket.owner.socket_inode &&
        binder->binding.listening_since.ns != 0)
      return binder->binding.listening_since < facts_.event.time;
    return met(socket, [](const OpenSocket& old) { return old.state == OpenSocket::State::listening; });
  }

  const Facts& facts_;
  const SocketTest& holds_;
  const SocketScan* earlier_ = nullptr;
};

/// Sockets that were seen to be bound after the call had no part in it; nor had others than the one that was
/// seen to have the name.
void leave_others(const Facts& facts, Holding& holding) {
  if (facts.asked_now()) return;
  if (const SeenHolder* seen = holding.seen) {
    std::erase_if(holding.open, [&](const OpenSocket& socket) {
      return socket.owner.socket_inode != seen->binder.socket_inode;
    });
    return;
  }
  std::erase_if(holding.open, [&](const OpenSocket& socket) {
    const auto binder = facts.binder(socket.name);
    const bool later = binder && binder->socket_inode == socket.owner.socket_inode &&
                       binder->binding.time > facts.event.time;
    if (later) holding.bound_since = *binder;
    return later;
  });
}

/// The name table keeps the last one who bound a name: of names that live for milliseconds that may be who
/// came after the call, in the place of who was in its way.
void note_next_binder(const Facts& facts, const BoundName& name, Holding& holding) {
  if (name.kind != BoundName::Kind::abstract || holding.bound_since || facts.asked_now()) return;
  if (const auto binder = facts.binder(name); binder && binder->binding.time > facts.event.time)
    holding.bound_since = binder;
}

/// Puts the socket to name first: proven before likely, a listener before one that is only bound, whoever
/// bound it before others who have it open too.
void choose_first(const Facts& facts, const SocketTest& holds, const ScanFact& scan, Holding& holding) {
  Past past(facts, holds);
  std::size_t best = 0;
  int best_rank = -1;
  std::map<std::uint64_t, Standing> sockets;
  std::vector<Standing> processes;
  for (std::size_t i = 0; i < holding.open.size(); ++i) {
    const OpenSocket& socket = holding.open[i];
    const auto [known, fresh] = sockets.try_emplace(socket.owner.socket_inode);
    if (fresh) known->second = past.of_socket(socket);
    processes.push_back(past.of_process(socket));
    const int rank = (known->second.proven() ? 4 : 0) +
                     (socket.state == OpenSocket::State::listening ? 2 : 0) + (processes[i].proven() ? 1 : 0);
    if (rank > best_rank) best = i, best_rank = rank;
  }
  holding.socket = sockets[holding.open[best].owner.socket_inode];
  holding.process = processes[best];
  std::swap(holding.open[0], holding.open[best]);
  // Two sockets that are only bound can share a port (SO_REUSEADDR), so one of several is not proof.
  const bool alone = sockets.size() == 1 && scan.scan->sockets.complete_for(holding.open[0].name.kind);
  if (holding.open[0].state != OpenSocket::State::listening && !alone)
    holding.socket = holding.socket && Standing::later("several sockets share the address");
  if (!scan.after_call)
    holding.socket = holding.socket && Standing::later(scan.obstacle + ": an older scan was used");
}

/// The socket that the call was made on, by number; 0: it is not open any more. A listen has bound it before.
std::uint64_t own_socket(const Facts& facts, const SocketCall& call) {
  if (const ScanFact& scan = facts.scan(); scan.scan)
    for (const OpenSocket& socket : scan.scan->sockets)
      if (socket.owner.process.tgid == facts.event.actor.tgid && static_cast<int>(socket.fd) == call.fd)
        return socket.owner.socket_inode;
  return 0;
}

/// Abstract names of different types are different names (net/unix/af_unix.c, unix_abstract_hash).
bool of_another_type(const OpenSocket& socket, const SocketCall& call) {
  return socket.name.kind == BoundName::Kind::abstract && socket.type != 0 && call.type != 0 &&
         socket.type != call.type;
}

/// The name table does not say which type a binder's socket has. A scan does, where it is open.
bool binder_has_another_type(const Facts& facts, const SocketOwner& binder, const BoundName& name,
                             const SocketCall& call) {
  const auto shows_it = [&](const SocketScan& scan) {
    return std::any_of(scan.sockets.begin(), scan.sockets.end(), [&](const OpenSocket& socket) {
      return socket.owner.socket_inode == binder.socket_inode && socket.name == name &&
             of_another_type(socket, call);
    });
  };
  if (name.kind != BoundName::Kind::abstract) return false;
  if (const ScanFact& scan = facts.scan(); scan.scan && shows_it(*scan.scan)) return true;
  const auto& earlier = facts.earlier_scan();
  return earlier && *earlier && shows_it(**earlier);
}

}  // namespace

ScanFact scan_after_call(const Facts& facts, const SocketView& sockets) {
  ScanFact found;
  auto scan = sockets.scan_after(facts.event.time, SocketView::Scan::shared, facts.filter());
  if (scan) found.scan = *scan;
  // A scan from before the call may have missed the holder, or met one that left before the call.
  if (scan && (*scan)->began <= facts.event.time) {
    scan = sockets.scan_after(facts.event.time, SocketView::Scan::fresh, facts.filter());
    if (scan) found.scan = *scan;
  }
  found.after_call = scan.has_value();
  if (!scan) {
    found.obstacle = scan.error().text();
    found.skipped = scan.error().code == std::errc::resource_unavailable_try_again;
  }
  return found;
}

Holding find_holding(const Facts& facts, const BoundName& name, const SocketTest& holds) {
  Holding holding;
  if (auto known = still_holding(facts, name, holds)) {
    if (known->owner.binding.time.ns != 0) holding.binder = known->owner;
    holding.open.push_back(std::move(*known));
    holding.looked_at = true;
    return holding;
  }
  const bool of_unix = name.kind == BoundName::Kind::path || name.kind == BoundName::Kind::abstract;
  const ScanFact& scan = facts.scan();
  if (scan.scan)
    for (OpenSocket& socket : scan.scan->sockets.near(name))
      if (holds(socket)) holding.open.push_back(std::move(socket));
  holding.seen = facts.seen_holder(name);
  leave_others(facts, holding);
  note_next_binder(facts, name, holding);
  const bool released_known = of_unix && holding.open.empty() && facts.note_released();
  if (const auto found = binders_in_the_way(facts, name, holds); !found.empty()) {
    holding.binder = found.front();
    holding.only_binder = found.size() == 1;
    // Bound before the call, and its socket still there: it held the name all the time.
    holding.alive_unseen = released_known && holding.binder->binding.released.ns == 0 &&
                           holding.binder->process.tgid != 0 && !facts.binder_is_from_record(name);
  }
  if (!scan.after_call) holding.obstacle = scan.obstacle;
  if (holding.open.empty()) {
    if (scan.scan && scan.after_call && !scan.scan->sockets.complete_for(name.kind))
      holding.obstacle =
          fmt::format("the scan of open sockets had room for {} of {} (limits.walk_bytes)",
                      scan.scan->sockets.size(), scan.scan->sockets.size() + scan.scan->sockets.left_out());
    return holding;
  }
  choose_first(facts, holds, scan, holding);
  return holding;
}

Holding holding_of_call(const Facts& facts, const SocketCall& call) {
  const BoundName wanted = name_of_call(call);
  if (wanted.kind == BoundName::Kind::inet) {
    const std::uint64_t own = facts.event.syscall == Syscall::listen ? own_socket(facts, call) : 0;
    return find_holding(facts, wanted, [&](const OpenSocket& socket) {
      return conflicts(socket, call) && (own == 0 || socket.owner.socket_inode != own);
    });
  }
  // A netlink socket that was refused a port id shows it all the same (net/netlink/af_netlink.c,
  // netlink_insert).
  const auto refused = [&](const OpenSocket& socket) {
    return wanted.kind == BoundName::Kind::netlink && socket.owner.process.tgid == facts.event.actor.tgid &&
           static_cast<int>(socket.fd) == call.fd;
  };
  Holding holding = find_holding(facts, wanted, [&](const OpenSocket& socket) {
    return socket.name == wanted && !of_another_type(socket, call) && !refused(socket);
  });
  if (holding.binder && !holding.looked_at && !holding.seen &&
      binder_has_another_type(facts, *holding.binder, wanted, call)) {
    holding.binder.reset();
    holding.alive_unseen = false;
  }
  return holding;
}

}  // namespace sockward
