#include "diagnose/facts.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "diagnose/id_text.hpp"

namespace sockward {

bool Facts::is_unix_path() const {
  const SocketCall* call = socket();
  return call != nullptr && call->family == AF_UNIX && call->address.kind == AddressKind::path;
}

bool Facts::is_inet() const {
  const SocketCall* call = socket();
  return call != nullptr && call->is_socket && call->address.is_inet();
}

bool Facts::is_abstract() const {
  const SocketCall* call = socket();
  return call != nullptr && call->address.kind == AddressKind::abstract;
}

const PathFacts& Facts::way() const {
  // bind makes a name and unlink removes one: a link at its end is what they meet (filename_create()).
  const bool follow = event.syscall != Syscall::bind && !removes_name(event.syscall);
  return way_.get([&] {
    PathFacts found = look_along_path(*this, host_.paths, follow);
    skipped_ = skipped_ || found.skipped;
    return found;
  });
}

const PermissionReplay& Facts::permissions() const {
  return permissions_.get([&] { return replay_permissions(*this, host_.processes); });
}

const IdNames& Facts::id_names() const {
  return id_names_.get([&] {
    auto names = host_.paths.id_names(event, ids_of(permissions()));
    return names ? std::move(*names) : IdNames();
  });
}

const Result<MountPoint>& Facts::mount() const {
  return mount_.get([&]() -> Result<MountPoint> {
    const auto path = resolved_path(event);
    if (!path) return make_error(std::errc::invalid_argument, "make the path absolute");
    return noting(host_.paths.mount_at(event, *path));
  });
}

const Result<std::optional<SymlinkOnPath>>& Facts::first_symlink() const {
  return first_symlink_.get([&]() -> Result<std::optional<SymlinkOnPath>> {
    const auto path = resolved_path(event);
    if (!path) return make_error(std::errc::invalid_argument, "make the path absolute");
    return noting(host_.paths.first_symlink(event, *path));
  });
}

const ScanFact& Facts::scan() const {
  return scan_.get([&] {
    ScanFact found = scan_after_call(*this, host_.sockets);
    skipped_ = skipped_ || found.skipped;
    return found;
  });
}

const Result<std::shared_ptr<const SocketScan>>& Facts::earlier_scan() const {
  return earlier_scan_.get([&] { return host_.sockets.scan_before(event.time, filter()); });
}

const SocketFilter& Facts::filter() const {
  return filter_.get([&] { return sockets_of_interest(event); });
}

const Holding& Facts::holding() const {
  return holding_.get([&] { return socket() == nullptr ? Holding{} : holding_of_call(*this, *socket()); });
}

const std::optional<SocketFile>& Facts::socket_file() const {
  return socket_file_.get([&] { return look_at_socket_file(*this); });
}

const Holding& Facts::replaced_holding() const {
  return replaced_.get([&] {
    const SocketCall* call = socket();
    if (call == nullptr || !call->replaced) return Holding{};
    const BoundName old{.kind = BoundName::Kind::path,
                        .address = {},
                        .device = call->replaced->device,
                        .inode = call->replaced->inode};
    return find_holding(*this, old, [&](const OpenSocket& socket) {
      return socket.name == old && socket.links == 0 && socket.state != OpenSocket::State::connected;
    });
  });
}

const Result<std::vector<PortUse>>& Facts::port_uses() const {
  return port_uses_.get([&]() -> Result<std::vector<PortUse>> {
    if (!is_inet()) return make_error(std::errc::invalid_argument, "look up a port");
    return noting(host_.network.port_uses(event, socket()->address.port, socket()->protocol));
  });
}

const SeenHolder* Facts::seen_holder(const BoundName& name) const {
  if (socket() == nullptr || !socket()->holder || !(name_of_call(*socket()) == name)) return nullptr;
  return &*socket()->holder;
}

Facts::KnownBinder Facts::look_up_binder(const BoundName& name) const {
  for (const KnownBinder& known : binders_)
    if (known.name == name) return known;
  KnownBinder binder{.name = name, .owner = host_.sockets.binder(name)};
  // The name table may know the next one by now. Of the same socket it knows more: when it was released.
  if (const SeenHolder* seen = seen_holder(name))
    if (!binder.owner || binder.owner->socket_inode != seen->binder.socket_inode) {
      binder.owner = seen->binder;
      binder.from_record = true;
    }
  return binders_.emplace_back(std::move(binder));
}

bool Facts::note_released() const {
  return released_.get([&] {
    const auto noted = noting(host_.sockets.note_released());
    binders_.clear();  // they know more now
    return noted.has_value();
  });
}

const Result<bool>& Facts::hidden_socket(const std::string& name) const {
  return hidden_.get([&] { return noting(host_.network.knows_socket_named(event, name)); });
}

const Result<Route>& Facts::route() const {
  return route_.get([&]() -> Result<Route> {
    if (!is_inet()) return make_error(std::errc::invalid_argument, "look up a route");
    return noting(host_.network.route(event, socket()->address));
  });
}

const Result<std::vector<NetworkInterface>>& Facts::interfaces() const {
  return interfaces_.get([&] { return noting(host_.network.interfaces(event)); });
}

const Result<std::optional<KnownConnection>>& Facts::connection() const {
  return connection_.get([&]() -> Result<std::optional<KnownConnection>> {
    if (!is_inet()) return make_error(std::errc::invalid_argument, "look up a connection");
    return noting(host_.network.connection(event, socket()->source, socket()->address));
  });
}

const Result<std::vector<std::string>>& Facts::arguments() const {
  return arguments_.get([&] { return host_.processes.arguments(process_of(event)); });
}

const Result<std::string>& Facts::executable() const {
  return executable_.get([&] { return host_.processes.executable(process_of(event)); });
}

const Result<unsigned>& Facts::cgroup_programs() const {
  return cgroup_programs_.get([&] { return host_.processes.cgroup_programs(event); });
}

const Result<std::string>& Facts::socket_unit() const {
  return socket_unit_.get([&] { return host_.units.socket_unit(*socket()); });
}

const std::optional<DenialFact>& Facts::denial() const {
  return denial_.get([&] { return denial_of_call(*this, host_.denials); });
}

std::optional<std::uint64_t> Facts::used_denial() const {
  const auto* asked = denial_.known();
  if (asked == nullptr || !*asked) return std::nullopt;
  return (*asked)->denial.serial;
}

const Result<std::optional<HostNames>>& Facts::uts_names() const {
  return uts_names_.get([&] { return host_.processes.uts_names(event.actor.utsns); });
}

Standing Facts::clock() const {
  return clock_.get([&] {
    if (asked_now_ || !host_.time.clock_set_since(event.time)) return Standing::unchanged();
    return Standing::later("the clock was set since the call, so file times cannot be compared with it");
  });
}

const Standing& Facts::mounts() const {
  return mounts_.get([&] {
    if (asked_now_) return Standing::unchanged();
    if (event.actor.mount_event == 0)
      return Standing::later("this kernel does not say whether mounts have changed since the call");
    const auto now = noting(host_.paths.mount_event(event));
    if (!now)
      return Standing::later("whether mounts have changed since the call is not known: " +
                             now.error().text());
    if (!*now) return Standing::later("no process lives in the caller's mount namespace any more");
    return **now == event.actor.mount_event
               ? Standing::unchanged()
               : Standing::later("mounts have changed in the caller's mount namespace since the call");
  });
}

}  // namespace sockward
