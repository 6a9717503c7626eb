// What the path led to at the call is not known: a link, a directory or the object was changed right after
// it, as deployments and servers that start again do. Said plainly, instead of blaming what lies there now.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

namespace {

/// A socket that was bound by this very path before the call, and is still open: its file lay there, though
/// something else does now.
std::optional<Finding> bound_by_that_path(const Facts& facts) {
  const PathFacts& way = facts.way();
  const ScanFact& scan = facts.scan();
  if (!way.path || !scan.scan) return std::nullopt;
  for (const OpenSocket& socket : scan.scan->sockets) {
    if (socket.name.kind != BoundName::Kind::path || socket.path != *way.path ||
        socket.state == OpenSocket::State::connected || socket.owner.process.mntns != facts.event.actor.mntns)
      continue;
    const auto binder = facts.binder(socket.name);
    const bool bound_before = binder && binder->socket_inode == socket.owner.socket_inode &&
                              binder->binding.time < facts.event.time;
    if (!bound_before) continue;
    Finding found{.cause = Cause::address_in_use,
                  .evidence = {{fmt::format("{} {}: that socket was bound to this path before the call",
                                            owner_text(socket.owner), state_text(socket.state))}},
                  .alternative = "its file is no longer at the path: " +
                                 (way.moved.empty() ? std::string("it was removed or renamed") : way.moved)};
    found.holder = to_holder(socket.owner);
    found.advice = holder_advice(facts, *found.holder);
    return found;
  }
  return std::nullopt;
}

/// Gone by now. That it was refused says that a file was there, and that no socket served it
/// (net/unix/af_unix.c, unix_find_bsd, unix_stream_connect), but not which. Most often a program finds its
/// old socket stale, removes it and goes on: nothing to be alarmed at.
Finding removed_since(const Facts& facts) {
  Finding found{.cause = Cause::unknown};
  found.note(printable(*facts.way().path).text +
             " does not exist any more: at the call it did, and no socket served it");
  found.advice =
      "nothing is wrong if the program checked for another instance of itself and removed a stale socket; "
      "otherwise start the server";
  return found;
}

}  // namespace

std::optional<Finding> path_changed_since(const Facts& facts) {
  const int error = facts.event.error();
  if (!facts.is_unix_path() || (error != EADDRINUSE && error != ECONNREFUSED)) return std::nullopt;
  const auto& file = facts.socket_file();
  const bool there = file && file->moved.empty();
  if (error == EADDRINUSE && !there)
    if (auto found = bound_by_that_path(facts)) return found;
  const PathFacts& way = facts.way();
  const bool missing =
      way.path && way.known() && way.trace.callers_view && !way.trace.missing && !way.trace.object;
  if (facts.reaches(ECONNREFUSED) && missing && !facts.to_peer()) return removed_since(facts);
  if (!file || there) return std::nullopt;
  Finding found{.cause = Cause::unknown};
  found.note(file->moved + ": what the path led to at the time of the call is not known");
  found.note(printable(file->path).text + " is what it leads to now (" + ownership_text(file->object) + ")");
  found.advice = "try again: if the path does not change around the next failure, the cause will be found";
  return found;
}

}  // namespace sockward::rules
