// connect and a send need write permission on the socket file (unix(7)): the docker.sock case.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> socket_permission(const Facts& facts) {
  if (!facts.reaches(EACCES)) return std::nullopt;
  const PermissionReplay& replay = facts.permissions();
  if (replay.changed_since && !replay.changed_is_directory)
    return Finding{.cause = Cause::socket_permission,
                   .evidence = {{fmt::format("{} has {} now", printable(replay.changed_since->path).text,
                                             ownership_text(replay.changed_since->object, facts.id_names())),
                                 unchanged_since_call(facts, *replay.changed_since)}},
                   .alternative = "that the socket refused is inferred: it was changed after the call",
                   .advice = "its owner or mode was changed since: try again"};
  if (replay.changed_since || !replay.denial || replay.denial->what != Denial::What::socket)
    return std::nullopt;
  const PathObject& object = replay.denial->step.object;
  const IdNames& names = facts.id_names();
  constexpr std::uint32_t kGroupWrite = 020;
  return Finding{
      .cause = Cause::socket_permission,
      .evidence = {{fmt::format("{} has {}: no write permission for {}",
                                printable(replay.denial->step.path).text, ownership_text(object, names),
                                credentials_text(replay.credentials, names)),
                    replay.standing}},
      .alternative = {},
      .advice =
          (object.mode & kGroupWrite) != 0
              ? fmt::format("put the user into {} (and log in again)", group_text(object.gid, names))
              : fmt::format("run the client as {}, or let the server give its socket a group and mode 0660",
                            user_text(object.uid, names))};
}

}  // namespace sockward::rules
