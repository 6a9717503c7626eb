// The path is a mount of a socket file (docker -v /run/app.sock:…) whose source was removed: the server has
// made a new file since, and the mount still shows the old one, which no socket is bound to any more.
//
// The inode has no link left, and what is mounted ends in //deleted (fs/d_path.c, seq_path).
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

/// Somebody who serves a socket file of the name that the mount's source had.
std::optional<OpenSocket> server_at_source(const Facts& facts, const std::string& root) {
  constexpr std::string_view kDeleted = "//deleted";
  std::string source = root;
  if (source.ends_with(kDeleted)) source.resize(source.size() - kDeleted.size());
  const ScanFact& scan = facts.scan();
  if (!scan.scan || source.size() < 2) return std::nullopt;
  for (const OpenSocket& socket : scan.scan->sockets) {
    if (socket.name.kind != BoundName::Kind::path || socket.state == OpenSocket::State::connected ||
        socket.links == 0)
      continue;
    // The mount's root is told from the root of its file system, which may be mounted somewhere itself.
    if (socket.path == source || (socket.path.ends_with(source) && source.find('/', 1) != std::string::npos))
      return socket;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Finding> mounted_socket_gone(const Facts& facts) {
  const bool connect = facts.reaches(ECONNREFUSED) && !facts.to_peer(),
             bind = facts.is(Syscall::bind, EADDRINUSE);
  const bool remove = facts.event.error() == EBUSY && facts.path_call() != nullptr;
  if (!remove && !((connect || bind) && facts.is_unix_path())) return std::nullopt;
  const PathFacts& way = facts.way();
  if (!way.known() || !way.trace.object) return std::nullopt;
  const PathObject& object = way.trace.object->object;
  if (object.kind != PathObject::Kind::socket || object.links != 0) return std::nullopt;
  // A socket may still be bound to it.
  if (const auto& file = facts.socket_file(); file && !file->holding.open.empty()) return std::nullopt;
  const auto& mount = facts.mount();
  if (!mount || !mount->source_removed) return std::nullopt;
  Finding found{
      .cause = Cause::mounted_socket_gone,
      .evidence = {{fmt::format("{} is a mount of a socket file that was removed ({}): its link count is 0",
                                printable(mount->point).text, printable(mount->root).text),
                    way.object_as_it_is}}};
  if (const auto server = server_at_source(facts, mount->root)) {
    found.holder = to_holder(server->owner);
    found.note(fmt::format("{} {} on {}, a new file", owner_text(server->owner), state_text(server->state),
                           printable(server->path).text));
  }
  found.advice =
      "mount the directory that holds the socket, not the socket file: a mount keeps showing the old file "
      "after the server has created a new one. Until then, mount it again (restart the container)";
  return found;
}

}  // namespace sockward::rules
