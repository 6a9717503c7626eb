// What a scan for one event looks for, where it cannot have everything.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "diagnose/holding.hpp"

namespace sockward {
namespace {

/// Was a port looked for and none found? Then those in use are counted (rules/ports_exhausted.cpp).
bool chose_a_port(const Event& event, const SocketCall& call) {
  switch (event.syscall) {
    case Syscall::bind:
      return call.address.port == 0;
    case Syscall::listen:
      return call.bound_port == 0;
    default:
      return event.error() == EADDRNOTAVAIL && !call.port_chosen;
  }
}

}  // namespace

SocketFilter sockets_of_interest(const Event& event) {
  SocketFilter filter = SocketFilter::nothing();
  const auto* call = std::get_if<SocketCall>(&event.call);
  if (call == nullptr) {
    filter.paths = std::holds_alternative<PathCall>(event.call);
    return filter.paths ? filter : SocketFilter{};
  }
  if (call->address.is_inet()) {
    if (chose_a_port(event, *call)) return {};
    for (const std::uint16_t port : {call->address.port, call->source.port, call->bound_port})
      if (port != 0 && std::find(filter.ports.begin(), filter.ports.end(), port) == filter.ports.end())
        filter.ports.push_back(port);
  } else if (call->address.kind == AddressKind::path) {
    filter.paths = true;
  } else if (call->address.kind == AddressKind::abstract) {
    filter.abstract_names.push_back(call->address.name);
  } else if (call->address.family == AF_NETLINK) {
    filter.netlink = true;
  }
  filter.paths = filter.paths || call->replaced.has_value();
  return filter.empty() ? SocketFilter{} : filter;
}

}  // namespace sockward
