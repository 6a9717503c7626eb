// A directory on the way may not be searched by the caller: EACCES, whatever lies behind it.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

/// The directory's mode was changed after the call, and it allows now what something on the way did not.
Finding changed_meanwhile(const Facts& facts, const PermissionReplay& replay) {
  const PathStep& step = *replay.changed_since;
  const std::string path = printable(step.path).text;
  return {
      .cause = Cause::directory_not_searchable,
      .evidence = {{fmt::format("{} has {} now, which allows it", path,
                                ownership_text(step.object, facts.id_names())),
                    unchanged_since_call(facts, step)}},
      .alternative = "which component refused is inferred from what was changed after the call",
      .advice = fmt::format("its owner or mode was changed since: try again; if it fails, look at {}", path)};
}

}  // namespace

std::optional<Finding> directory_not_searchable(const Facts& facts) {
  if (facts.event.error() != EACCES) return std::nullopt;
  const PermissionReplay& replay = facts.permissions();
  const bool only_searched = !replay.changed_is_last || facts.reaches();
  if (replay.changed_since && replay.changed_is_directory && only_searched)
    return changed_meanwhile(facts, replay);
  if (replay.changed_since || !replay.denial || replay.denial->what != Denial::What::search)
    return std::nullopt;
  const PathStep& step = replay.denial->step;
  const std::string path = printable(step.path).text;
  const IdNames& names = facts.id_names();
  Finding found{.cause = Cause::directory_not_searchable,
                .evidence = {{fmt::format("{} has {}: no search permission (x) for {}", path,
                                          ownership_text(step.object, names),
                                          credentials_text(replay.credentials, names)),
                              replay.standing}}};
  found.advice = fmt::format("run it as {} or in {}, or give search permission on {} (chmod o+x, or an ACL)",
                             user_text(step.object.uid, names), group_text(step.object.gid, names), path);
  return found;
}

}  // namespace sockward::rules
