// Refused by this host: no socket listens at the address. Says who had it last, or who has it bound and does
// not listen.
#include <fmt/format.h>

#include <netinet/in.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {
namespace {

void add_last_holder(const Facts& facts, const std::optional<SocketOwner>& binder, Finding& found) {
  if (!binder || binder->binding.time >= facts.event.time) {
    found.note("no bind of it was seen");
    return;
  }
  found.holder = to_holder(*binder, Holder::Kind::gone);
  if (!binder->binding.released_before(facts.event.time)) {
    found.note(owner_text(*binder) + " bound it last");
    return;
  }
  const double ago = static_cast<double>(facts.event.time.ns - binder->binding.released.ns) / 1e9;
  found.note(fmt::format("{} had it last: its socket was {} {:.1f} s before the call", owner_text(*binder),
                         binder->binding.found_gone ? "gone" : "released", ago));
}

/// Who has the name bound and takes no connections.
std::optional<OpenSocket> bound_only(const Facts& facts, const SocketTest& has_name) {
  const ScanFact& scan = facts.scan();
  if (scan.scan)
    for (const OpenSocket& socket : scan.scan->sockets)
      if (socket.state == OpenSocket::State::idle && has_name(socket) && !bound_after_call(facts, socket))
        return with_its_binder(facts, socket);
  return std::nullopt;
}

Finding not_listening(const OpenSocket& socket) {
  Finding found{.cause = Cause::nothing_listens,
                .evidence = {{owner_text(socket.owner) + " has it bound but does not listen",
                              Standing::later("looked up after the call")}}};
  found.holder = to_holder(socket.owner);
  found.advice =
      "wait until the server calls listen(), or let the client retry; a socket of another type "
      "(datagram, "
      "stream) does not answer either";
  return found;
}

/// What keeps the scan from saying that no socket listens; empty: nothing does.
std::string scan_obstacle(const Facts& facts) {
  const ScanFact& scan = facts.scan();
  if (!scan.after_call) return scan.obstacle;
  return scan.scan->sockets.complete_for(BoundName::Kind::inet)
             ? ""
             : "the scan of open sockets had no room for all (limits.walk_bytes)";
}

std::optional<Finding> of_port(const Facts& facts, const SocketCall& call) {
  if (!is_local_destination(facts, call).value_or(false) || refused_by_icmp(facts)) return std::nullopt;
  if (const auto listener = listener_for(facts, call)) {
    Finding found{
        .cause = Cause::nothing_listens,
        .evidence = {{"the connection was refused by this host (ECONNREFUSED)"}},
        .alternative =
            "a socket listens there now: it may have come after the call, or a packet filter refused"};
    const auto binder = facts.binder(listener->name);
    if (binder && binder->socket_inode == listener->owner.socket_inode &&
        binder->binding.time > facts.event.time) {
      found.alternative = "a packet filter may refuse connections in the same way";
      found.evidence.emplace_back(
          fmt::format("a socket was bound there {:.1f} ms after the call",
                      static_cast<double>(binder->binding.time.ns - facts.event.time.ns) / 1e6));
      found.advice = "the client started before the server: start it later, or let it retry";
      return found;
    }
    found.note(owner_text(listener->owner) + " listens there now");
    found.advice = "try again; if it is refused again look at the packet filter (nft list ruleset)";
    return found;
  }
  const auto bound = bound_only(facts, [&](const OpenSocket& socket) {
    return socket.name.kind == BoundName::Kind::inet && socket.name.netns == call.socket_netns &&
           port_protocol(socket.name.protocol) == IPPROTO_TCP &&
           socket.name.address.port == call.address.port && covers(socket, call.address);
  });
  if (bound) return not_listening(*bound);
  Finding found{.cause = Cause::nothing_listens,
                .evidence = {{"the connection was refused by this host (ECONNREFUSED)"}},
                .alternative = "a packet filter may refuse connections in the same way",
                .advice = "start the server, or correct the address"};
  if (const std::string obstacle = scan_obstacle(facts); obstacle.empty())
    found.evidence.emplace_back("no socket listens on the port", Standing::later("looked up after the call"));
  else
    found.note("listeners are not visible: " + obstacle);
  add_last_holder(facts, facts.binder(name_of_call(call)), found);
  return found;
}

/// A socket that has the name now: one of another type has names of its own (net/unix/af_unix.c, the hash of
/// a name counts the type), and one that was shut down refuses, too.
std::optional<Finding> refused_by_name(const Facts& facts, const BoundName& wanted) {
  const ScanFact& scan = facts.scan();
  if (!scan.scan) return std::nullopt;
  for (const OpenSocket& socket : scan.scan->sockets) {
    if (!(socket.name == wanted) || bound_after_call(facts, socket)) continue;
    if (sends(facts.event.syscall) && socket.type == SOCK_DGRAM) continue;  // it came after the call
    const OpenSocket named = with_its_binder(facts, socket);
    Finding found{
        .cause = Cause::nothing_listens,
        .evidence = {{fmt::format(
                          "{} {} under this name, and the call was refused: that socket is of another "
                          "type (stream, datagram, seqpacket), or was shut down",
                          owner_text(named.owner), state_text(named.state)),
                      Standing::later("looked up after the call")}},
        .alternative = {},
        .advice = "let the client use the type of the server's socket"};
    found.holder = to_holder(named.owner);
    return found;
  }
  return std::nullopt;
}

std::optional<Finding> of_abstract_name(const Facts& facts, const SocketCall& call) {
  const BoundName wanted = name_of_call(call);
  const bool send = sends(facts.event.syscall);  // nothing has to listen for that
  const auto bound = [&] {
    return bound_only(facts, [&](const OpenSocket& socket) { return socket.name == wanted; });
  };
  if (const auto found = send ? std::nullopt : bound()) return not_listening(*found);
  if (auto other = refused_by_name(facts, wanted)) return other;
  // unix_find_abstract() found nothing, or unix_stream_connect() found a socket that does not listen.
  Finding found{
      .cause = Cause::nothing_listens,
      .evidence = {{fmt::format("no socket serves the name in network namespace {} (ECONNREFUSED of an "
                                "abstract name)",
                                call.socket_netns)}},
      .alternative = {},
      .advice = "start the server; abstract names are seen within one network namespace only"};
  add_last_holder(facts, facts.binder(wanted), found);
  return found;
}

/// A send without an address: the kernel refuses it only where the peer's socket was released, and forgets
/// the peer (net/unix/af_unix.c, unix_dgram_sendmsg).
Finding peer_has_gone(const Facts& facts) {
  Finding found{.cause = Cause::nothing_listens,
                .evidence = {{"the socket that this one was connected to is gone (ECONNREFUSED of a send "
                              "without an address)"}},
                .alternative = {},
                .advice =
                    "start the server again, then let the program connect again: its socket has no peer "
                    "any more"};
  const auto& file = facts.socket_file();
  if (!file || file->holding.open.empty() || !serves(file->holding.open.front())) return found;
  found.note(owner_text(file->holding.open.front().owner) + " serves the path now");
  found.advice = "let the program connect again: its socket has no peer any more";
  return found;
}

}  // namespace

std::optional<Finding> nothing_listens(const Facts& facts) {
  if (!facts.reaches(ECONNREFUSED) || served_in_other_namespace(facts)) return std::nullopt;
  if (facts.to_peer()) return peer_has_gone(facts);
  const SocketCall& call = *facts.socket();
  if (facts.is_inet()) return of_port(facts, call);
  if (facts.is_abstract()) return of_abstract_name(facts, call);
  const auto& file = facts.socket_file();
  if (!file || file->object.kind != PathObject::Kind::socket || file->holding.open.empty() ||
      sends(facts.event.syscall))
    return std::nullopt;
  const OpenSocket& first = file->holding.open.front();
  if (first.state != OpenSocket::State::idle || first.type == SOCK_DGRAM) return std::nullopt;
  return not_listening(first);
}

}  // namespace sockward::rules
