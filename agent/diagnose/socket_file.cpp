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

/// No process had this file's socket open at the start of the agent, the file is older than that, and nobody
/// was seen to bind it since: a socket is bound to a file only when the file is made (net/unix/af_unix.c,
/// unix_bind_bsd), so it cannot have come back to life. A clock that was set meanwhile proves nothing.
bool was_dead_at_start(const Observation& seen, const SocketFile& file) {
  const auto start = seen.host.sockets_at_start();
  if (!start || !file.object.born || file.holding.binder) return false;
  const WallTime then = (*start)->began_wall, now = seen.host.wall((*start)->began);
  if (std::abs(then.ns - now.ns) > kFileTimeTick || !surely_before(*file.object.born, then)) return false;
  return std::none_of((*start)->sockets.begin(), (*start)->sockets.end(),
                      [&](const OpenSocket& socket) { return is_for(socket, file.object); });
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
  file.dead_before = file.holding.open.empty() && was_dead_at_start(seen, file);
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
