#include "diagnose/socket_file.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>

#include "base/printable.hpp"
#include "diagnose/facts.hpp"
#include "diagnose/file_time.hpp"
#include "diagnose/id_text.hpp"

namespace sockward {
namespace {

/// Is a socket bound to this very file, and not to an earlier one whose inode number was used again?
bool is_for(const Facts& facts, const OpenSocket& socket, const PathObject& object) {
  if (socket.name.kind != BoundName::Kind::path || socket.name.device != object.device ||
      socket.name.inode != object.inode)
    return false;
  const SocketOwner& owner = socket.owner;
  if (owner.generation != 0 && object.generation) return owner.generation == *object.generation;
  // A socket makes its file when it is bound (net/unix/af_unix.c, unix_bind_bsd).
  if (owner.binding.time.ns == 0 || !object.born) return true;
  return object.born->ns <= facts.wall(owner.binding.time).ns + file_time_margin();
}

/// An earlier scan of all open sockets did not meet this file's, though the file was there before the scan: a
/// socket is bound to a file only when the file is made, so it cannot have come back to life. A clock that
/// was set meanwhile proves nothing, and neither does a scan where a socket may be hidden: in flight between
/// two processes, or held by io_uring.
bool unheld_at_earlier_scan(const Facts& facts, const SocketFile& file) {
  const auto& scan = facts.earlier_scan();
  if (!scan || !file.object.born) return false;
  if (file.holding.binder && file.holding.binder->binding.time >= (*scan)->began) return false;
  const WallTime then = (*scan)->began_wall, now = facts.wall((*scan)->began);
  if (std::abs(then.ns - now.ns) > file_time_margin() || !surely_before(*file.object.born, then))
    return false;
  const bool open = std::any_of((*scan)->sockets.begin(), (*scan)->sockets.end(),
                                [&](const OpenSocket& socket) { return is_for(facts, socket, file.object); });
  if (open || !(*scan)->sockets.complete_for(BoundName::Kind::path)) return false;
  const auto& hidden = facts.hidden_socket(last_component_of(file.path));
  return hidden && !*hidden;
}

/// Its socket was bound by this very path before the call, by the exact clock of the records: then the file
/// has been here since, though file times are too coarse to tell.
bool bound_here_before(const Facts& facts, const SocketFile& file) {
  const Holding& holding = file.holding;
  if (holding.open.empty() || !holding.socket.proven() || holding.open.front().links == 0) return false;
  const std::string& bound_as = holding.open.front().path;
  return bound_as == file.path || bound_as == facts.way().path;
}

/// How it is known that the file was dead before the call.
void judge_death(const Facts& facts, SocketFile& file) {
  file.dead = Standing::later("whether a socket was bound to it at the call is not known");
  if (!file.holding.open.empty() || file.holding.alive_unseen) return;
  const BoundName name{
      .kind = BoundName::Kind::path, .address = {}, .device = file.object.device, .inode = file.object.inode};
  const auto binder = facts.binder(name);
  const bool its_own = binder && is_for(facts, {.name = name, .owner = *binder, .path = {}}, file.object);
  if (its_own && binder->binding.released_before(facts.event.time)) {
    file.dead = Standing::unchanged();
    file.dead_because = "the socket that was bound to it was gone before the call";
    file.holding.binder = binder;
  } else if (!(its_own && binder->binding.released.ns != 0) && unheld_at_earlier_scan(facts, file)) {
    // One that was found to be gone only after the call may have been in flight at both times.
    file.dead = Standing::unchanged();
    file.dead_because = "no process had it open before the call (earlier socket scan)";
  }
}

}  // namespace

std::optional<SocketFile> look_at_socket_file(const Facts& facts) {
  if (!facts.is_unix_path()) return std::nullopt;
  const PathFacts& way = facts.way();
  if (!way.known() || !way.trace.object) return std::nullopt;
  SocketFile file{.path = way.trace.object->path,
                  .object = way.trace.object->object,
                  .is = way.object_is,
                  .as_it_is = way.object_as_it_is,
                  .moved = way.moved,
                  .holding = {},
                  .dead_because = {}};
  if (file.object.kind != PathObject::Kind::socket) return file;
  const BoundName name{
      .kind = BoundName::Kind::path, .address = {}, .device = file.object.device, .inode = file.object.inode};
  file.holding = find_holding(facts, name, [&](const OpenSocket& socket) {
    return socket.state != OpenSocket::State::connected && is_for(facts, socket, file.object);
  });
  if (file.holding.bound_since && file.holding.open.empty()) {
    const double after =
        static_cast<double>(file.holding.bound_since->binding.time.ns - facts.event.time.ns) / 1e6;
    file.moved = fmt::format("{} was made {:.1f} ms after the call", printable(file.path).text, after);
  }
  if (!file.is.proven() && bound_here_before(facts, file)) {
    file.is = way.leads_to.back();
    file.moved.clear();
  }
  judge_death(facts, file);
  return file;
}

bool ended_after_call(const Facts& facts, const SocketFile& file) {
  const auto& binder = file.holding.binder;
  if (file.dead.proven() || !binder || !file.holding.open.empty() || facts.asked_now()) return false;
  // Of a binder that is older than the agent, the time is when it was found.
  constexpr std::uint64_t kKept = 50'000'000'000;  // ns, less than History::kKept
  // A socket that was closed by a process that lives on may have been closed at any time.
  if (facts.mount_namespace({binder->process.tgid, binder->process.leader_start_ns})) return false;
  return binder->binding.released.ns > facts.event.time.ns &&
         binder->binding.time.ns + kKept > facts.event.time.ns &&
         !facts.before.has_ended(binder->process.tgid, binder->process.leader_start_ns);
}

bool is_stale(const std::optional<SocketFile>& file) {
  return file && file->object.kind == PathObject::Kind::socket && file->moved.empty() &&
         file->holding.open.empty() && !file->holding.alive_unseen && file->holding.obstacle.empty();
}

std::optional<UnlinkFailure> refused_removal(const Facts& facts, const SocketFile& file) {
  const auto failure = facts.before.failed_unlink(facts.event, *facts.way().path);
  if (!failure) return std::nullopt;
  // Others say that nothing was there, or something else.
  static constexpr int kRefusals[] = {EACCES, EPERM, EROFS, EBUSY};
  if (std::find(std::begin(kRefusals), std::end(kRefusals), failure->error) == std::end(kRefusals))
    return std::nullopt;
  // A file that was made since is another one: the earlier one was removed after all.
  const bool bound_since = file.holding.binder && file.holding.binder->binding.time > failure->time;
  const bool made_since = file.object.born && *file.object.born > facts.wall(failure->time);
  return bound_since || made_since ? std::nullopt : failure;
}

void describe_stale(const Facts& facts, const SocketFile& file, Finding& found) {
  found.evidence.emplace_back(
      fmt::format("{} is a socket ({})", printable(file.path).text, ownership_text(file.object)), file.is);
  found.evidence.emplace_back("no process has it open (scan of open sockets)", file.dead);
  if (!file.dead_because.empty()) found.evidence.emplace_back(file.dead_because, file.dead);
  const auto& binder = file.holding.binder;
  if (!binder) return;
  found.holder = to_holder(*binder, Holder::Kind::gone);
  const double before = static_cast<double>(facts.event.time.ns - binder->binding.time.ns) / 1e9;
  found.note(fmt::format("{} had bound it {:.1f} s before the call", owner_text(*binder), before));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string last_component_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace sockward
