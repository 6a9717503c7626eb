#include "diagnose/served.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "diagnose/facts.hpp"

namespace sockward {

bool serves(const OpenSocket& socket) {
  return socket.state == OpenSocket::State::listening ||
         (socket.type == SOCK_DGRAM && socket.state == OpenSocket::State::idle);
}

namespace {

bool is_listener_on_port(const OpenSocket& socket, const SocketCall& call) {
  return socket.name.kind == BoundName::Kind::inet && socket.state == OpenSocket::State::listening &&
         socket.name.netns == call.socket_netns && socket.name.address.port == call.address.port &&
         port_protocol(socket.name.protocol) == port_protocol(call.protocol);
}

}  // namespace

std::vector<OpenSocket> listeners_elsewhere(const Facts& facts, const SocketCall& call) {
  std::vector<OpenSocket> found;
  if (const ScanFact& scan = facts.scan(); scan.scan)
    for (const OpenSocket& socket : scan.scan->sockets)
      if (is_listener_on_port(socket, call) && !covers(socket, call.address) &&
          !bound_after_call(facts, socket))
        found.push_back(socket);
  return found;
}

std::optional<OpenSocket> listener_for(const Facts& facts, const SocketCall& call) {
  if (const ScanFact& scan = facts.scan(); scan.scan)
    for (const OpenSocket& socket : scan.scan->sockets)
      if (is_listener_on_port(socket, call) && covers(socket, call.address)) return socket;
  return std::nullopt;
}

std::optional<bool> is_local_destination(const Facts& facts, const SocketCall& call) {
  if (is_loopback(call.address) || is_unspecified(call.address)) return true;
  const auto& route = facts.route();
  return route && route->error == 0 ? std::optional(route->local) : std::nullopt;
}

bool refused_by_icmp(const Facts& facts) {
  const SocketCall* call = facts.socket();
  return call != nullptr && call->end && call->end->outcome == ConnectOutcome::refused &&
         !call->end->answered;
}

std::string end_text(const SocketCall& call) {
  if (!call.end) return "";
  const double elapsed = std::chrono::duration<double>(call.end->elapsed).count();
  const std::string when =
      elapsed < 1 ? fmt::format("{:.1f} ms", elapsed * 1e3) : fmt::format("{:.1f} s", elapsed);
  return fmt::format("{} after the first SYN; {} SYN{} sent", when, call.end->syns,
                     call.end->syns == 1 ? " was" : "s were");
}

bool bound_after_call(const Facts& facts, const OpenSocket& socket) {
  const auto binder = facts.binder(socket.name);
  return binder && binder->socket_inode == socket.owner.socket_inode &&
         binder->binding.time > facts.event.time;
}

OpenSocket with_its_binder(const Facts& facts, const OpenSocket& socket) {
  const auto binder = facts.binder(socket.name);
  if (!binder || binder->socket_inode != socket.owner.socket_inode ||
      binder->process.tgid == socket.owner.process.tgid)
    return socket;
  for (const OpenSocket& other : facts.scan().scan->sockets)
    if (other.owner.socket_inode == socket.owner.socket_inode &&
        other.owner.process.tgid == binder->process.tgid)
      return other;
  return socket;
}

std::string name_text(const OpenSocket& socket) {
  const auto text = address_text(socket.name.address);
  return text ? text->text : "?";
}

}  // namespace sockward
