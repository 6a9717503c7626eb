#include "diagnose/prediction.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/capabilities.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward {
namespace {

using Sockets = std::vector<OpenSocket>;

Prediction fails(int error, std::string because) {
  return {.error = error, .because = {std::move(because)}, .unknown = {}};
}

Prediction nothing_prevents(std::string because) {
  return {.because = {std::move(because)}, .unknown = {}};
}

Prediction not_known(std::string why) {
  return {.because = {}, .unknown = {std::move(why)}};
}

bool is_native_v6(const SocketAddress& address) {
  return address.kind == AddressKind::inet6 && unmapped(address).kind == AddressKind::inet6;
}

/// 224.0.0.0/4 and ff00::/8.
bool is_multicast(const SocketAddress& address) {
  const SocketAddress plain = unmapped(address);
  return plain.kind == AddressKind::inet ? (plain.ip[0] & 0xF0) == 0xE0 : plain.ip[0] == 0xFF;
}

const char* type_text(std::uint16_t type) {
  return type == SOCK_DGRAM ? "datagram" : type == SOCK_SEQPACKET ? "seqpacket" : "stream";
}

/// A socket that no process has open has no owner to name.
std::string who(const OpenSocket& socket) {
  return socket.owner.process.tgid != 0 ? owner_text(socket.owner) : "a socket that no process has open";
}

class Attempt {
 public:
  Attempt(const Event& event, const SocketCall& call, const HostView& host, const Surroundings& around)
      : facts_(event, host, history_, 0, /*asked_now=*/true), call_(call), host_(host), around_(around) {}

  Prediction on_path() const;
  Prediction on_abstract_name() const;
  Prediction bind_inet() const;
  Prediction connect_inet() const;

 private:
  bool binds() const { return facts_.event.syscall == Syscall::bind; }
  bool is_tcp() const { return port_protocol(call_.protocol) == IPPROTO_TCP; }
  std::string ip() const { return call_.address.ip_text(); }
  std::string network() const { return fmt::format("network namespace {}", call_.socket_netns); }

  Prediction bind_path() const;
  std::optional<Prediction> file_system_without_sockets(const std::string& folder) const;
  Prediction connect_path() const;
  Prediction denied(const Denial& denial) const;
  bool may_write_object() const;
  Prediction served_by(const Sockets& sockets, const std::string& name, const std::string& obstacle) const;
  Sockets with_unowned(Sockets open, const SocketTest& wanted) const;

  std::optional<Prediction> port_privilege() const;
  std::optional<Prediction> own_address() const;
  std::optional<Prediction> own_v6_address() const;
  Prediction port_holders() const;
  std::optional<Prediction> connections_left_behind(Prediction& otherwise) const;
  std::optional<Prediction> unusable_v6_destination() const;
  std::optional<Prediction> unreachable(bool& local) const;
  Prediction listener_at(const SocketAddress& destination) const;

  const History history_{1};
  const Facts facts_;
  const SocketCall& call_;
  const HostView host_;
  const Surroundings& around_;
};

Sockets Attempt::with_unowned(Sockets open, const SocketTest& wanted) const {
  if (around_.unowned)
    for (OpenSocket& socket : around_.unowned())
      if (wanted(socket)) open.push_back(std::move(socket));
  return open;
}

// --- AF_UNIX ---------------------------------------------------------------------------------------------

Prediction Attempt::denied(const Denial& denial) const {
  using What = Denial::What;
  const std::string path = printable(denial.step.path).text;
  const Standing& standing = facts_.permissions().standing;
  const bool flag = denial.what == What::immutable;
  const std::string because = path + (flag                          ? " is immutable"
                                      : denial.what == What::search ? " may not be searched"
                                                                    : " may not be written");
  if (standing.proven()) return fails(flag ? EPERM : EACCES, because);
  return not_known(fmt::format("by its mode {}, but that does not decide: {}", because, standing.doubt));
}

/// The kernel looks for names before it asks whether they may be made, but searches a directory first.
Prediction Attempt::on_path() const {
  if (call_.address_length > kUnixAddressMax)
    return fails(EINVAL, "the name is too long for a socket address");
  const PathFacts& way = facts_.way();
  if (!way.known()) return not_known("the path was not looked at: " + way.obstacle);
  const PermissionReplay& replay = facts_.permissions();
  if (!replay.known) return not_known("permissions were not looked at: " + replay.obstacle);
  if (replay.denial && replay.denial->what == Denial::What::search) return denied(*replay.denial);
  const PathTrace& trace = way.trace;
  if (trace.loops) return fails(ELOOP, "more than 40 symbolic links on the way");
  if (trace.missing) {
    const std::string missing = printable(*trace.missing).text;
    return trace.missing_is_file ? fails(ENOTDIR, missing + " is not a directory")
                                 : fails(ENOENT, missing + " does not exist");
  }
  Prediction found = binds() ? bind_path() : connect_path();
  if (found.error == 0 && !replay.denial && !replay.standing.proven())
    found.unknown.push_back("the mode alone does not decide: " + replay.standing.doubt);
  return found;
}

Prediction Attempt::bind_path() const {
  const PathTrace& trace = facts_.way().trace;
  const PermissionReplay& replay = facts_.permissions();
  if (trace.object) return fails(EADDRINUSE, printable(trace.object->path).text + " exists");
  const std::string folder = trace.searched.empty() ? "/" : printable(trace.searched.back().path).text;
  if (trace.file_system == PROC_SUPER_MAGIC)  // its look-ups fail where others find that a name is free
    return fails(ENOENT, folder + " is in /proc, where nothing can be made");
  if (trace.read_only) return fails(EROFS, folder + " is on a read-only mount");
  if (replay.denial) return denied(*replay.denial);
  if (auto without = file_system_without_sockets(folder)) return *without;
  return nothing_prevents(fmt::format("nothing has the name, and {} may be written by {}", folder,
                                      credentials_text(replay.credentials)));
}

/// Asks the rule, as if the call had been refused.
std::optional<Prediction> Attempt::file_system_without_sockets(const std::string& folder) const {
  Event refused = facts_.event;
  refused.result = -EPERM;
  const auto found = rules::no_sockets_on_filesystem(Facts(refused, host_, history_, 0, true));
  if (!found) return std::nullopt;
  if (found->alternative.empty()) return fails(EPERM, "no socket file can be made in " + folder);
  return not_known(fmt::format("whether a socket file can be made in {}: {}", folder, found->alternative));
}

/// Write permission is asked for whatever lies there (unix_find_bsd, path_permission).
bool Attempt::may_write_object() const {
  const PermissionReplay& replay = facts_.permissions();
  PathTrace trace = facts_.way().trace;
  trace.object->object.kind = PathObject::Kind::socket;
  return !find_denial(trace, replay.credentials, facts_.event.actor, Purpose::connect);
}

Prediction Attempt::connect_path() const {
  const PathTrace& trace = facts_.way().trace;
  if (!trace.object) return fails(ENOENT, "nothing has the name");
  const std::string path = printable(trace.object->path).text;
  if (!may_write_object())
    return denied({.what = Denial::What::socket, .step = *trace.object, .directory = 0});
  const auto& file = facts_.socket_file();
  if (!file || file->object.kind != PathObject::Kind::socket)
    return fails(ECONNREFUSED, path + " is not a socket");
  const Sockets servers = with_unowned(file->holding.open, [&](const OpenSocket& socket) {
    return socket.name.kind == BoundName::Kind::path && socket.state != OpenSocket::State::connected &&
           socket.name.device == file->object.device && socket.name.inode == file->object.inode;
  });
  return served_by(servers, path, file->holding.obstacle);
}

/// An address does not say which type of socket is meant: where the server has another one than a stream, its
/// type is taken.
Prediction Attempt::served_by(const Sockets& sockets, const std::string& name,
                              const std::string& obstacle) const {
  const auto find = [&](auto wanted) { return std::find_if(sockets.begin(), sockets.end(), wanted); };
  const auto same_type = [&](const OpenSocket& socket) { return socket.type == call_.type; };
  if (const auto found = find([&](const OpenSocket& one) { return same_type(one) && serves(one); });
      found != sockets.end()) {
    Prediction works = nothing_prevents(fmt::format("{} listens at {}", who(*found), name));
    if (found->queue > found->backlog)  // unix_recvq_full()
      works.because.push_back(fmt::format(
          "its queue is full now ({} wait, the backlog is {}): connect waits until the server accepts, or "
          "fails with EAGAIN when the socket is non-blocking",
          found->queue, found->backlog));
    return works;
  }
  if (const auto found = find([&](const OpenSocket& one) { return !same_type(one) && serves(one); });
      found != sockets.end())
    return nothing_prevents(fmt::format("{} serves {} with a {} socket; a {} socket gets {}", who(*found),
                                        name, type_text(found->type), type_text(call_.type),
                                        facts_.is_unix_path() ? "EPROTOTYPE" : "ECONNREFUSED"));
  if (!sockets.empty())
    return fails(ECONNREFUSED,
                 fmt::format("{} has {} bound but does not listen", who(sockets.front()), name));
  if (!obstacle.empty()) return not_known("who serves it: " + obstacle);
  return fails(ECONNREFUSED, "no socket serves " + name);
}

/// Abstract names of different types are different names (unix_abstract_hash).
Prediction Attempt::on_abstract_name() const {
  if (call_.address_length > kUnixAddressMax)
    return fails(EINVAL, "the name is too long for a socket address");
  const BoundName name = name_of_call(call_);
  const Holding& holding = facts_.holding();
  Sockets named;
  if (const ScanFact& scan = facts_.scan(); scan.scan)
    std::copy_if(scan.scan->sockets.begin(), scan.scan->sockets.end(), std::back_inserter(named),
                 [&](const OpenSocket& socket) { return socket.name == name; });
  const Sockets sockets = with_unowned(std::move(named), [&](const OpenSocket& socket) {
    return socket.name == name && socket.state != OpenSocket::State::connected;
  });
  if (!binds()) return served_by(sockets, "the name in " + network(), holding.obstacle);
  for (const OpenSocket& socket : sockets)
    if (socket.type == call_.type) return fails(EADDRINUSE, who(socket) + " has the name in " + network());
  if (!sockets.empty())
    return nothing_prevents(
        fmt::format("{} has the name with a {} socket: only others of that type are refused",
                    who(sockets.front()), type_text(sockets.front().type)));
  if (!holding.obstacle.empty()) return not_known("who has the name: " + holding.obstacle);
  return nothing_prevents("no socket has the name in " + network());
}

// --- bind of an internet address -------------------------------------------------------------------------

std::optional<Prediction> Attempt::port_privilege() const {
  if (!needs_port_privilege(call_)) return std::nullopt;
  if (authority_of(facts_.event.actor, CAP_NET_BIND_SERVICE, call_.owner_userns) == Authority::yes)
    return std::nullopt;
  return fails(EACCES, fmt::format("port {} is below {}", call_.address.port, call_.port_start));
}

/// Until an interface gets its first IPv4 address, the kernel takes each for its own (__inet_dev_addr_type).
bool has_no_v4_table(const Result<std::vector<NetworkInterface>>& interfaces) {
  const auto is_v4 = [](const InterfaceAddress& one) { return one.address.kind == AddressKind::inet; };
  return interfaces && !interfaces->empty() &&
         std::none_of(interfaces->begin(), interfaces->end(), [&](const NetworkInterface& one) {
           return std::any_of(one.addresses.begin(), one.addresses.end(), is_v4);
         });
}

/// inet_addr_valid_or_nonlocal().
std::optional<Prediction> Attempt::own_address() const {
  const SocketAddress plain = unmapped(call_.address);
  if (is_unspecified(plain)) return std::nullopt;
  if (is_native_v6(call_.address)) return own_v6_address();
  if (is_multicast(plain) || is_limited_broadcast(plain) || around_.nonlocal_bind) return std::nullopt;
  if (has_no_v4_table(facts_.interfaces())) return std::nullopt;
  const auto& route = facts_.route();
  if (route && !route->local && !route->broadcast)
    return fails(EADDRNOTAVAIL, fmt::format("no interface of {} that is up has {}", network(), ip()));
  return std::nullopt;
}

std::string missing_v6_address(const std::vector<NetworkInterface>& interfaces, const SocketCall& call) {
  for (const NetworkInterface& one : interfaces) {
    const std::string name = printable(one.name).text;
    for (const InterfaceAddress& owned : one.addresses) {
      if (owned.address.kind != AddressKind::inet6 || owned.address.ip != call.address.ip) continue;
      if (owned.duplicate) return fmt::format("{} has it, but another host on the link has it too", name);
      if (owned.tentative) return fmt::format("{} has it, but duplicate address detection still runs", name);
      return fmt::format("{} has it, not the interface that the address names", name);
    }
    if (one.loopback && is_loopback(call.address) && one.ipv6_disabled) return "IPv6 is disabled on " + name;
    if (one.loopback && is_loopback(call.address) && !one.up) return name + " is down";
  }
  return fmt::format("no interface of network namespace {} has it", call.socket_netns);
}

bool is_usable_v6(const InterfaceAddress& owned) {
  return owned.address.kind == AddressKind::inet6 && !owned.tentative && !owned.duplicate;
}

/// As the kernel side tells it of a refused bind (bpf/core/inet6.bpf.h).
SocketCall::AddressState state_of(const std::vector<NetworkInterface>& interfaces, const SocketCall& call) {
  using State = SocketCall::AddressState;
  for (const NetworkInterface& one : interfaces)
    for (const InterfaceAddress& owned : one.addresses) {
      if (owned.address.kind != AddressKind::inet6 || owned.address.ip != call.address.ip) continue;
      if (owned.duplicate) return State::duplicate;
      if (owned.tentative) return State::tentative;
    }
  return State::unknown;
}

/// __inet6_bind() and ipv6_chk_addr().
std::optional<Prediction> Attempt::own_v6_address() const {
  const SocketAddress& address = call_.address;
  const std::uint32_t device = address.scope != 0 ? address.scope : call_.bound_device;
  if (is_link_local(address) && device == 0)
    return fails(EINVAL, ip() + " is a link-local address: it needs an interface");
  const auto& interfaces = facts_.interfaces();
  if (!interfaces) return std::nullopt;
  const bool exists = std::any_of(interfaces->begin(), interfaces->end(),
                                  [&](const NetworkInterface& one) { return one.index == device; });
  if (device != 0 && !exists) return fails(ENODEV, fmt::format("{} has no interface {}", network(), device));
  if (is_multicast(address) || around_.nonlocal_bind6) return std::nullopt;
  for (const NetworkInterface& one : *interfaces) {
    if (is_link_local(address) && one.index != device) continue;
    for (const InterfaceAddress& owned : one.addresses)
      if (is_usable_v6(owned) && owned.address.ip == address.ip) return std::nullopt;
  }
  Prediction refused = fails(EADDRNOTAVAIL, ip() + ": " + missing_v6_address(*interfaces, call_));
  refused.address_state = state_of(*interfaces, call_);
  return refused;
}

/// Those that no process has open any more (TIME_WAIT and the like). Which address each has is not known, so
/// only a wildcard meets them all.
std::optional<Prediction> Attempt::connections_left_behind(Prediction& otherwise) const {
  if (!is_tcp()) return std::nullopt;
  const auto& uses = facts_.port_uses();
  if (!uses) {
    otherwise.unknown.push_back("closed connections on the port were not looked at: " + uses.error().text());
    return std::nullopt;
  }
  const auto closing = std::count_if(uses->begin(), uses->end(),
                                     [](const PortUse& use) { return use.state != PortUse::State::bound; });
  if (closing == 0) return std::nullopt;
  const std::string keep = fmt::format("{} closed connection{} still use{} the port (TIME_WAIT)", closing,
                                       closing == 1 ? "" : "s", closing == 1 ? "s" : "");
  if (is_unspecified(unmapped(call_.address)))
    return fails(EADDRINUSE, keep + "; SO_REUSEADDR on both sockets would allow it");
  otherwise.unknown.push_back(keep +
                              ": if one of them is on this address, bind fails with EADDRINUSE "
                              "unless SO_REUSEADDR is set on both sockets");
  return std::nullopt;
}

/// Sockets that share a port with SO_REUSEADDR or SO_REUSEPORT are not assumed.
Prediction Attempt::port_holders() const {
  if (call_.address.port == 0) return nothing_prevents("the kernel chooses a free port");
  const Holding& holding = facts_.holding();
  const auto in_the_way = [&](const OpenSocket& socket) { return conflicts(socket, call_); };
  const Sockets holders = with_unowned(holding.open, in_the_way);
  if (!holders.empty())
    return fails(EADDRINUSE, fmt::format("{} {}", who(holders.front()), state_text(holders.front().state)));
  Prediction free = nothing_prevents(
      fmt::format("no socket that can be seen has port {} in {}", call_.address.port, network()));
  if (!holding.obstacle.empty()) free = not_known("who has the port: " + holding.obstacle);
  if (auto kept = connections_left_behind(free)) return *kept;
  return free;
}

/// IPv4 looks at the address first, IPv6 at the privilege.
Prediction Attempt::bind_inet() const {
  const bool v6 = call_.address.kind == AddressKind::inet6;
  if (v6 && is_native_v6(call_.address) && is_multicast(call_.address) && is_tcp())
    return fails(EINVAL, "a TCP socket cannot be bound to a multicast address");
  if (v6)
    if (auto refused = port_privilege()) return *refused;
  if (auto refused = own_address()) return *refused;
  if (auto refused = port_privilege()) return *refused;
  return port_holders();
}

// --- connect to an internet address ----------------------------------------------------------------------

/// What tcp_v6_connect() and ip6_dst_lookup_tail() check before the route: the interface, and an address of
/// our own to send from.
std::optional<Prediction> Attempt::unusable_v6_destination() const {
  const SocketAddress& address = call_.address;
  if (!is_native_v6(address)) return std::nullopt;
  if (is_multicast(address) && is_tcp()) return fails(ENETUNREACH, ip() + " is a multicast address");
  if (is_link_local(address) && address.scope == 0 && call_.bound_device == 0)
    return fails(EINVAL, ip() + " is a link-local address: it needs an interface");
  const auto& interfaces = facts_.interfaces();
  if (!interfaces) return std::nullopt;
  for (const NetworkInterface& one : *interfaces)
    if (std::any_of(one.addresses.begin(), one.addresses.end(), is_usable_v6)) return std::nullopt;
  const std::string why = is_loopback(address) ? ": " + missing_v6_address(*interfaces, call_) : "";
  return fails(EADDRNOTAVAIL, fmt::format("{} has no IPv6 address to connect from{}", network(), why));
}

/// `local`: does the destination belong to this network namespace?
std::optional<Prediction> Attempt::unreachable(bool& local) const {
  const SocketAddress plain = unmapped(call_.address);
  if (is_unspecified(plain)) return std::nullopt;  // the kernel takes the loopback address instead
  const auto& route = facts_.route();
  if (!route) return not_known("the routing table could not be queried: " + route.error().text());
  if (route->error != 0)
    return fails(route->error, fmt::format("the routing table has no usable route to {} ({})", ip(),
                                           errno_name(route->error).value_or("an error")));
  local = route->local;
  if (plain.kind != AddressKind::inet) return std::nullopt;
  const bool broadcast = route->broadcast || is_limited_broadcast(plain);
  if (is_tcp() && (is_multicast(plain) || broadcast))
    return fails(ENETUNREACH, "TCP does not connect to " + ip());
  if (broadcast) return fails(EACCES, "the socket needs SO_BROADCAST to use " + ip());
  return std::nullopt;
}

/// Packets to any address of this host go through it.
bool loopback_is_down(const Result<std::vector<NetworkInterface>>& interfaces) {
  return interfaces && std::any_of(interfaces->begin(), interfaces->end(),
                                   [](const NetworkInterface& one) { return one.loopback && !one.up; });
}

SocketAddress loopback_of(const SocketAddress& unspecified) {
  SocketAddress address = unspecified;
  if (unmapped(address).kind == AddressKind::inet) {
    address = unmapped(address);
    address.ip[0] = 127, address.ip[3] = 1;
  } else {
    address.ip[15] = 1;
  }
  return address;
}

Prediction Attempt::listener_at(const SocketAddress& destination) const {
  SocketCall reached = call_;
  reached.address = destination;
  std::optional<OpenSocket> listener = listener_for(facts_, reached);
  if (!listener)
    for (OpenSocket& socket : with_unowned({}, [&](const OpenSocket& one) {
           return one.name.kind == BoundName::Kind::inet && one.state == OpenSocket::State::listening &&
                  one.name.netns == call_.socket_netns && one.name.address.port == destination.port &&
                  port_protocol(one.name.protocol) == IPPROTO_TCP && covers(one, destination);
         }))
      listener = std::move(socket);
  if (listener) {
    Prediction works = nothing_prevents(who(*listener) + " listens there");
    works.unknown.emplace_back("packet filters, and whether the server has room for the connection");
    return works;
  }
  const ScanFact& scan = facts_.scan();
  if (!scan.after_call) return not_known("who listens there: " + scan.obstacle);
  const auto others = listeners_elsewhere(facts_, reached);
  if (others.empty()) return fails(ECONNREFUSED, "no socket listens there");
  return fails(ECONNREFUSED, fmt::format("no socket listens there; {} listens on {}",
                                         owner_text(others.front().owner), name_text(others.front())));
}

Prediction Attempt::connect_inet() const {
  if (auto refused = unusable_v6_destination()) return *refused;
  bool local = true;
  if (auto refused = unreachable(local)) return *refused;
  if (!local)
    return {.because = {"there is a route to " + ip()},
            .unknown = {"what is on the way, and what the other side answers"}};
  if (!is_tcp()) return nothing_prevents("UDP connects to any address of this host");
  if (loopback_is_down(facts_.interfaces()))
    return not_known("whether an answer comes: the loopback interface is down, and packets to it are lost");
  const bool unspecified = is_unspecified(unmapped(call_.address));
  return listener_at(unspecified ? loopback_of(call_.address) : call_.address);
}

}  // namespace

Prediction predict(const Event& attempt, const HostView& host, const Surroundings& around) {
  const auto* call = std::get_if<SocketCall>(&attempt.call);
  if (call == nullptr) return not_known("not a call on a socket");
  const Attempt tried(attempt, *call, host, around);
  if (call->address.kind == AddressKind::path) return tried.on_path();
  if (call->address.kind == AddressKind::abstract) return tried.on_abstract_name();
  if (!call->address.is_inet()) return not_known("an address that sockward does not know");
  return attempt.syscall == Syscall::bind ? tried.bind_inet() : tried.connect_inet();
}

}  // namespace sockward
