#include "diagnose/socket_file.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "diagnose/file_time.hpp"

namespace sockward {
namespace {

bool is_for(const OpenSocket& socket, const PathObject& object) {
  return socket.name.kind == BoundName::Kind::path && socket.name.device == object.device &&
         socket.name.inode == object.inode;
}

/// A walk over all open sockets that had ended before the call did not meet this file's, though it was bound
/// before that walk: a socket is bound to a file only when the file is made (net/unix/af_unix.c,
/// unix_bind_bsd), so it cannot have come back to life. A clock that was set meanwhile proves nothing, and
/// neither does a walk where a socket may be hidden: in flight between two processes, or held by io_uring.
bool was_dead_before(const Observation& seen, const SocketFile& file) {
  const auto walk = seen.host.sockets_before(seen.event.time);
  if (!walk || !file.object.born) return false;
  if (file.holding.binder && file.holding.binder->time >= (*walk)->began) return false;
  const WallTime then = (*walk)->began_wall, now = seen.host.wall((*walk)->began);
  if (std::abs(then.ns - now.ns) > kFileTimeTick || !surely_before(*file.object.born, then)) return false;
  const bool open = std::any_of((*walk)->sockets.begin(), (*walk)->sockets.end(),
                                [&](const OpenSocket& socket) { return is_for(socket, file.object); });
  if (open || !(*walk)->sockets.complete_for(BoundName::Kind::path)) return false;
  const auto hidden = seen.host.knows_socket_named(seen.event, file.path.substr(file.path.rfind('/') + 1));
  return hidden && !*hidden;
}

}  // namespace

std::optional<SocketFile> look_at_socket_file(const Observation& seen) {
  const auto* call = std::get_if<SocketCall>(&seen.event.call);
  if (call == nullptr || call->family != AF_UNIX || call->address.kind != AddressKind::path)
    return std::nullopt;
  auto path = resolved_path(seen.event);
  if (!path) return std::nullopt;
  const auto object = seen.host.object_at(seen.event, *path);
  if (!object || !*object) return std::nullopt;
  SocketFile file{.path = std::move(*path), .object = **object, .holding = {}};
  file.settled = surely_before(file.object.changed, seen.host.wall(seen.event.time));
  if (file.object.kind != PathObject::Kind::socket) return file;
  const BoundName name{
      .kind = BoundName::Kind::path, .address = {}, .device = file.object.device, .inode = file.object.inode};
  file.holding = find_holding(seen, name, [&](const OpenSocket& socket) {
    return socket.state != OpenSocket::State::connected && is_for(socket, file.object);
  });
  file.dead_before = file.holding.open.empty() && was_dead_before(seen, file);
  return file;
}

std::string ownership_text(const PathObject& object) {
  return fmt::format("uid {}, gid {}, mode {:04o}", object.uid, object.gid, object.mode);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace sockward
