// Calls on the names of AF_UNIX, in the order in which net/unix/af_unix.c checks them.
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/printable.hpp"
#include "diagnose/attempt.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::prediction {
namespace {

const char* type_text(std::uint16_t type) {
  return type == SOCK_DGRAM ? "datagram" : type == SOCK_SEQPACKET ? "seqpacket" : "stream";
}

}  // namespace

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
                                      credentials_text(replay.credentials, facts_.id_names())));
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
    if (found->state == OpenSocket::State::listening && found->queue > found->backlog)  // unix_recvq_full()
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

}  // namespace sockward::prediction
