// A server's socket file was removed while it listened, and somebody else has bound the name: it serves on,
// and no client can reach it any more (a second redis does this to a running one).
//
// Both binds were seen under the same directory entry; the first socket is still open, listens, and its file
// has no name left. A server that was only renamed, or has gone, is not robbed.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> name_stolen(const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (call == nullptr || facts.event.failed() || facts.event.syscall != Syscall::bind || !call->replaced)
    return std::nullopt;
  const Holding& holding = facts.replaced_holding();
  if (holding.open.empty()) return std::nullopt;
  const OpenSocket& robbed = holding.open.front();
  Finding found{.cause = Cause::name_stolen,
                .evidence = {{fmt::format("{} {} on a socket file that had this name before and has none now",
                                          owner_text(robbed.owner),
                                          robbed.state == OpenSocket::State::listening ? "listens"
                                                                                       : "has a socket open"),
                              holding.socket && holding.process}}};
  found.holder = to_holder(robbed.owner);
  // Names are known by the number of their directory, which another one may have been given since.
  const auto path = resolved_path(facts.event);
  const NamespaceInode mntns = robbed.owner.process.mntns;
  if (path && robbed.path.starts_with('/') && robbed.path != *path &&
      (mntns == 0 || mntns == facts.event.actor.mntns))
    found.alternative = "it was bound as " + printable(robbed.path).text +
                        ": that may be another name, in a directory that was removed";
  found.note("clients that use the name reach the new socket; the old server gets no new connections");
  if (robbed.owner.process.tgid == facts.event.actor.tgid)
    found.advice = "the process replaced its own socket: close the old one when its last client has gone";
  else if (robbed.owner.process.comm == facts.event.actor.comm)
    found.advice = fmt::format(
        "the same program already runs as pid {}: stop both, then start the one that should serve",
        robbed.owner.process.tgid);
  else
    found.advice = fmt::format("restart pid {} with a path of its own", robbed.owner.process.tgid);
  return found;
}

}  // namespace sockward::rules
