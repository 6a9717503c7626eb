#include "diagnose/holding.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <algorithm>
#include <cstring>

#include "base/printable.hpp"

namespace sockward {
namespace {

bool is_any(const SocketAddress& address) {
  return std::all_of(address.ip.begin(), address.ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// An IPv4-mapped IPv6 address as the IPv4 address it is.
SocketAddress unmapped(SocketAddress address) {
  static constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (address.kind != AddressKind::inet6 || std::memcmp(address.ip.data(), kPrefix, sizeof(kPrefix)) != 0)
    return address;
  SocketAddress plain{.kind = AddressKind::inet, .family = 2 /* AF_INET */, .name = {}, .port = address.port};
  std::copy_n(address.ip.begin() + 12, 4, plain.ip.begin());
  return plain;
}

/// Is this socket known to have been bound before the call?
bool bound_before(const Observation& seen, const OpenSocket& socket) {
  const auto binder = seen.host.binder(socket.name);
  if (binder && binder->socket_inode == socket.owner.socket_inode && binder->time < seen.event.time)
    return true;
  const auto start = seen.host.sockets_before(seen.event.time);
  return start && std::any_of((*start)->sockets.begin(), (*start)->sockets.end(), [&](const OpenSocket& old) {
           return old.owner.socket_inode == socket.owner.socket_inode && old.name == socket.name;
         });
}

const char* state_text(OpenSocket::State state) {
  switch (state) {
    case OpenSocket::State::listening:
      return "listens";
    case OpenSocket::State::connected:
      return "has a connection";
    case OpenSocket::State::idle:
      return "has it bound";
  }
  return "has it";
}

}  // namespace

BoundName name_of_call(const SocketCall& call) {
  BoundName name{.netns = call.socket_netns, .protocol = call.protocol, .address = call.address};
  name.kind = call.address.is_inet() ? BoundName::Kind::inet : BoundName::Kind::abstract;
  if (name.kind == BoundName::Kind::abstract) name.protocol = 0;
  name.address.truncated = false;
  return name;
}

bool conflicts(const OpenSocket& held, const SocketCall& wanted, std::uint32_t caller_uid) {
  const BoundName& name = held.name;
  if (name.kind != BoundName::Kind::inet || name.netns != wanted.socket_netns ||
      name.protocol != wanted.protocol || name.address.port != wanted.address.port)
    return false;
  if (held.owner.bound_device != 0 && wanted.bound_device != 0 &&
      held.owner.bound_device != wanted.bound_device)
    return false;
  if (held.owner.reuseport && wanted.reuseport && held.owner.uid == caller_uid) return false;
  if (held.owner.reuseaddr && wanted.reuseaddr && held.state != OpenSocket::State::listening) return false;
  const SocketAddress one = unmapped(name.address), other = unmapped(wanted.address);
  if (one.kind == other.kind) return is_any(one) || is_any(other) || one.ip == other.ip;
  // IPv4 beside IPv6: only an unspecified IPv6 address reaches over, and only without IPV6_V6ONLY.
  return one.kind == AddressKind::inet6 ? is_any(one) && !held.owner.v6only : is_any(other) && !wanted.v6only;
}

namespace {

/// The names under which somebody who has left may have kept the call from its own.
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

/// A binder counts only if its socket would have been in the way: an IPv6 wildcard with IPV6_V6ONLY is in no
/// IPv4 call's, and sockets may share a port (SO_REUSEADDR, SO_REUSEPORT). The most specific name comes
/// first.
std::vector<SocketOwner> binders_in_the_way(const Observation& seen, const BoundName& name,
                                            const std::function<bool(const OpenSocket&)>& holds) {
  std::vector<SocketOwner> binders;
  for (const BoundName& candidate : names_in_the_way(name)) {
    auto binder = seen.host.binder(candidate);
    if (!binder || binder->time >= seen.event.time || binder->released_before(seen.event.time)) continue;
    // A listener ends as one; what was not seen to end may listen.
    const bool may_listen = binder->listened || binder->released.ns == 0;
    const auto state = may_listen ? OpenSocket::State::listening : OpenSocket::State::idle;
    if (holds({.name = candidate, .owner = *binder, .state = state, .path = {}})) binders.push_back(*binder);
  }
  return binders;
}

void collect(const SocketScan& scan, const std::function<bool(const OpenSocket&)>& holds,
             std::vector<OpenSocket>& open) {
  open.clear();
  std::copy_if(scan.sockets.begin(), scan.sockets.end(), std::back_inserter(open), holds);
}

}  // namespace

Holding find_holding(const Observation& seen, const BoundName& name,
                     const std::function<bool(const OpenSocket&)>& holds) {
  Holding holding;
  if (const auto binders = binders_in_the_way(seen, name, holds); !binders.empty()) {
    holding.binder = binders.front();
    holding.only_binder = binders.size() == 1;
  }
  auto scan = seen.host.sockets(seen.event.time, HostView::Walk::shared);
  if (scan) collect(**scan, holds, holding.open);
  // A walk from before the call may have missed the holder, or met one that left before the call.
  if (scan && (*scan)->began <= seen.event.time) {
    scan = seen.host.sockets(seen.event.time, HostView::Walk::fresh);
    if (scan) collect(**scan, holds, holding.open);
  }
  if (!scan) {
    holding.obstacle = scan.error().text();
    return holding;
  }
  const SocketList& all = (*scan)->sockets;
  const bool complete = all.complete_for(name.kind);
  if (holding.open.empty() && !complete)
    holding.obstacle = fmt::format("a walk over all open sockets had room for {} of {} (limits.walk_bytes)",
                                   all.size(), all.size() + all.left_out());
  // The one that is proven to have been there comes first, a listener before a socket that is only bound: two
  // of the latter can share a port (SO_REUSEADDR), so one of several is not proof.
  const auto proven = [&](const OpenSocket& socket) { return bound_before(seen, socket); };
  auto first = std::find_if(holding.open.begin(), holding.open.end(), [&](const OpenSocket& socket) {
    return socket.state == OpenSocket::State::listening && proven(socket);
  });
  const bool listener = first != holding.open.end();
  if (!listener) first = std::find_if(holding.open.begin(), holding.open.end(), proven);
  if (first == holding.open.end()) return holding;
  holding.proven = listener || (holding.open.size() == 1 && complete);
  std::iter_swap(holding.open.begin(), first);
  return holding;
}

std::string owner_text(const SocketOwner& owner) {
  return fmt::format("{}[{}] (uid {})", printable(owner.comm).text, owner.tgid, owner.uid);
}

Holder to_holder(const SocketOwner& owner, Holder::Kind kind) {
  return {.kind = kind,
          .pid = owner.tgid,
          .uid = owner.uid,
          .pidns = owner.pidns,
          .comm = owner.comm,
          .container = {},
          .container_key = owner.container_key};
}

void describe_holding(const Observation& seen, const Holding& holding, Diagnosis& found) {
  if (!holding.open.empty()) {
    const OpenSocket& first = holding.open.front();
    found.holder = to_holder(first.owner);
    found.confidence = holding.proven ? Confidence::certain : Confidence::likely;
    found.evidence.push_back(
        fmt::format("{} {} (walk over all open sockets)", owner_text(first.owner), state_text(first.state)));
    found.evidence.emplace_back(holding.proven
                                    ? "that socket was bound before the call"
                                    : "whether that socket was bound before the call is not known");
    if (holding.binder && holding.binder->tgid != first.owner.tgid &&
        holding.binder->socket_inode == first.owner.socket_inode)
      found.evidence.push_back(owner_text(*holding.binder) + " had bound it and passed it on");
    if (holding.open.size() > 1)
      found.evidence.push_back(fmt::format("{} sockets in all hold it", holding.open.size()));
    return;
  }
  found.confidence = Confidence::likely;
  if (holding.kernel) {
    found.holder = Holder{.kind = Holder::Kind::kernel, .comm = {}, .container = {}};
    found.evidence.emplace_back(
        "a socket has it that no process has open (/proc/net): the kernel's own (NFS, WireGuard and the "
        "like), "
        "or one that is on its way between two processes");
    return;
  }
  if (holding.binder && holding.binder->had_it_at(seen.event.time)) {
    const double since = static_cast<double>(seen.event.time.ns - holding.binder->time.ns) / 1e6;
    const double until = static_cast<double>(holding.binder->released.ns - seen.event.time.ns) / 1e6;
    found.holder = to_holder(*holding.binder, Holder::Kind::gone);
    // Sockets that are only bound can share a port (SO_REUSEADDR): one of several is not proof.
    found.confidence = holding.only_binder ? Confidence::certain : Confidence::likely;
    found.evidence.push_back(fmt::format(
        "{} had bound it {:.1f} ms before the call, and its socket was released {:.1f} ms after it",
        owner_text(*holding.binder), since, until));
  } else if (holding.binder) {
    found.holder = to_holder(*holding.binder, Holder::Kind::gone);
    found.evidence.push_back(fmt::format(
        "{} had bound it {:.1f} ms before; nobody has it open any more", owner_text(*holding.binder),
        static_cast<double>(seen.event.time.ns - holding.binder->time.ns) / 1e6));
  }
  if (!holding.obstacle.empty()) found.evidence.push_back("holders are not visible: " + holding.obstacle);
}

}  // namespace sockward
