#include "diagnose/foresight.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/printable.hpp"
#include "diagnose/capabilities.hpp"
#include "diagnose/holding.hpp"
#include "diagnose/permissions.hpp"

namespace sockward {
namespace {

Foresight answer(int error, std::string because) {
  return {error, {std::move(because)}};
}

/// Errors of our own walk that the caller's would meet too; others only say that we could not look.
bool is_answer(const Error& error) {
  return error.code == std::errc::no_such_file_or_directory || error.code == std::errc::not_a_directory ||
         error.code == std::errc::too_many_symbolic_link_levels || error.code == std::errc::filename_too_long;
}

class Attempt {
 public:
  Attempt(const Event& event, const SocketCall& call, const HostView& host)
      : event_(event), call_(call), host_(host) {}

  Foresight on_path() const;
  Foresight on_abstract_name() const;
  Foresight bind_inet() const;
  Foresight connect_inet() const;

 private:
  bool binds() const { return event_.syscall == Syscall::bind; }
  Foresight bind_path(const PathTrace& trace, const Credentials& credentials) const;
  Foresight connect_path(const PathTrace& trace, const Credentials& credentials) const;
  std::vector<OpenSocket> sockets_where(const std::function<bool(const OpenSocket&)>& wanted) const;

  const Event& event_;
  const SocketCall& call_;
  const HostView& host_;
};

std::vector<OpenSocket> Attempt::sockets_where(const std::function<bool(const OpenSocket&)>& wanted) const {
  std::vector<OpenSocket> found;
  if (const auto scan = host_.sockets(event_.time, HostView::Walk::shared))
    std::copy_if((*scan)->sockets.begin(), (*scan)->sockets.end(), std::back_inserter(found), wanted);
  return found;
}

Foresight denied(const Denial& denial) {
  const std::string path = printable(denial.step.path).text;
  if (denial.what == Denial::What::immutable) return answer(EPERM, path + " is immutable");
  return answer(
      EACCES, path + (denial.what == Denial::What::search ? " may not be searched" : " may not be written"));
}

Foresight Attempt::on_path() const {
  if (call_.address_length > kUnixAddressMax)
    return answer(EINVAL, "the name is too long for a socket address");
  const auto path = resolved_path(event_);
  if (!path) return {std::nullopt, {"the path could not be made absolute"}};
  const auto credentials = host_.credentials(event_);
  if (!credentials) return {std::nullopt, {credentials.error().text()}};
  const auto trace = host_.trace_path(event_, *path, !binds());
  if (!trace && is_answer(trace.error()))
    return answer(trace.error().code.value(), printable(*path).text + ": " + trace.error().text());
  if (!trace) return {std::nullopt, {trace.error().text()}};
  if (trace->loops) return answer(ELOOP, "more than 40 symbolic links on the way");
  return binds() ? bind_path(*trace, *credentials) : connect_path(*trace, *credentials);
}

/// The kernel looks for the name before it asks whether it may be made.
Foresight Attempt::bind_path(const PathTrace& trace, const Credentials& credentials) const {
  const auto denial = find_denial(trace, credentials, event_.actor, Purpose::create);
  if (denial && denial->what == Denial::What::search) return denied(*denial);
  if (trace.object) return answer(EADDRINUSE, printable(trace.object->path).text + " exists");
  const std::string folder = trace.searched.empty() ? "/" : printable(trace.searched.back().path).text;
  if (trace.read_only) return answer(EROFS, folder + " is on a read-only mount");
  if (denial) return denied(*denial);
  return answer(0, fmt::format("nothing has the name, and {} may be written by {}", folder,
                               credentials_text(credentials)));
}

Foresight Attempt::connect_path(const PathTrace& trace, const Credentials& credentials) const {
  const auto denial = find_denial(trace, credentials, event_.actor, Purpose::connect);
  if (denial && (trace.object || denial->what == Denial::What::search)) return denied(*denial);
  if (!trace.object) return answer(ENOENT, "nothing has the name");
  const PathObject& object = trace.object->object;
  const std::string path = printable(trace.object->path).text;
  if (object.kind != PathObject::Kind::socket) return answer(ECONNREFUSED, path + " is no socket");
  const auto servers = sockets_where([&](const OpenSocket& socket) {
    return socket.name.kind == BoundName::Kind::path && socket.name.device == object.device &&
           socket.name.inode == object.inode &&
           (socket.state == OpenSocket::State::listening ||
            (socket.type == SOCK_DGRAM && socket.state == OpenSocket::State::idle));
  });
  if (servers.empty()) return answer(ECONNREFUSED, "no process serves " + path);
  return answer(0, fmt::format("{} serves {}, and it may be written by {}", owner_text(servers.front().owner),
                               path, credentials_text(credentials)));
}

Foresight Attempt::on_abstract_name() const {
  const BoundName name = name_of_call(call_);
  const auto holders = sockets_where([&](const OpenSocket& socket) { return socket.name == name; });
  const std::string where = fmt::format("network namespace {}", call_.socket_netns);
  if (binds())
    return holders.empty() ? answer(0, "nobody has the name in " + where)
                           : answer(EADDRINUSE, owner_text(holders.front().owner) + " has the name");
  const auto server = std::find_if(holders.begin(), holders.end(), [](const OpenSocket& socket) {
    return socket.state == OpenSocket::State::listening || socket.type == SOCK_DGRAM;
  });
  return server == holders.end() ? answer(ECONNREFUSED, "nobody serves the name in " + where)
                                 : answer(0, owner_text(server->owner) + " serves the name");
}

bool is_unspecified(const SocketAddress& address) {
  return std::all_of(address.ip.begin(), address.ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

Foresight Attempt::bind_inet() const {
  if (!is_unspecified(call_.address)) {
    const auto route = host_.route(event_, call_.address);
    if (route && !route->local)
      return answer(EADDRNOTAVAIL, fmt::format("no interface of network namespace {} has {}",
                                               call_.socket_netns, call_.address.ip_text()));
  }
  const bool low = call_.address.port != 0 && call_.address.port < call_.port_start;
  if (low && authority_of(event_.actor, CAP_NET_BIND_SERVICE, call_.owner_userns) != Authority::yes)
    return answer(EACCES, fmt::format("port {} is below {}", call_.address.port, call_.port_start));
  const auto holders = sockets_where([&](const OpenSocket& socket) {
    return call_.address.port != 0 && socket.state != OpenSocket::State::connected &&
           conflicts(socket, call_, event_.actor.uid);
  });
  if (!holders.empty()) return answer(EADDRINUSE, owner_text(holders.front().owner) + " has it");
  Foresight free = answer(0, fmt::format("nobody has it in network namespace {}", call_.socket_netns));
  const auto uses = host_.port_uses(event_, call_.address.port, call_.protocol);
  if (!uses && call_.address.port != 0)
    free.because.push_back("closed connections on the port were not looked at: " + uses.error().text());
  if (uses && call_.address.port != 0) {
    const auto closing = std::count_if(uses->begin(), uses->end(),
                                       [](const PortUse& use) { return use.state != PortUse::State::bound; });
    if (closing != 0)
      free.because.push_back(fmt::format(
          "{} closed connections keep the port for now: a socket without SO_REUSEADDR gets EADDRINUSE",
          closing));
  }
  return free;
}

Foresight Attempt::connect_inet() const {
  const auto route = host_.route(event_, call_.address);
  if (!route) return {std::nullopt, {"the routing table could not be asked: " + route.error().text()}};
  if (route->error != 0) return answer(route->error, "the routing table refuses it");
  if (!route->local)
    return {std::nullopt, {"there is a route; what the other side answers is not known without asking it"}};
  if (call_.protocol != IPPROTO_TCP) return answer(0, "UDP connects to any address of this host");
  const auto servers = sockets_where([&](const OpenSocket& socket) {
    return socket.state == OpenSocket::State::listening && conflicts(socket, call_, event_.actor.uid);
  });
  return servers.empty() ? answer(ECONNREFUSED, "nobody listens there")
                         : answer(0, owner_text(servers.front().owner) + " listens there");
}

}  // namespace

Foresight foresee(const Event& event, const HostView& host) {
  const auto* call = std::get_if<SocketCall>(&event.call);
  if (call == nullptr) return {std::nullopt, {"not a call on a socket"}};
  const Attempt attempt(event, *call, host);
  if (call->address.kind == AddressKind::path) return attempt.on_path();
  if (call->address.kind == AddressKind::abstract) return attempt.on_abstract_name();
  if (!call->address.is_inet()) return {std::nullopt, {"an address that sockward does not know"}};
  return event.syscall == Syscall::bind ? attempt.bind_inet() : attempt.connect_inet();
}

}  // namespace sockward
