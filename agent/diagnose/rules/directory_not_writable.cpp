// The directory of the name may not be written by the caller: no socket can be made in it, none removed. In a
// sticky directory only the owner of the file or of the directory may remove it: EPERM (fs/namei.c,
// may_delete).
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

constexpr const char* kOwnDirectory = "use a directory owned by the program (systemd: RuntimeDirectory=)";

std::optional<Finding> of_flag(const Facts& facts, const PermissionReplay& replay) {
  if (facts.event.error() != EPERM) return std::nullopt;
  const PathObject& object = replay.denial->step.object;
  const std::string path = printable(replay.denial->step.path).text;
  const char flag = object.immutable ? 'i' : 'a';
  return Finding{.cause = Cause::directory_not_writable,
                 .evidence = {{fmt::format("{} is {} (attribute {}, from statx), which holds for root too",
                                           path, object.immutable ? "immutable" : "append-only", flag),
                               replay.standing}},
                 .alternative = {},
                 .advice = fmt::format("find out why it was set, then: chattr -{} {}", flag, path)};
}

/// The last directory's owner or mode was changed after the call, and nothing refuses now.
Finding changed_meanwhile(const Facts& facts, const PermissionReplay& replay) {
  const PathStep& step = *replay.changed_since;
  const std::string path = printable(step.path).text;
  return {
      .cause = Cause::directory_not_writable,
      .evidence = {{fmt::format("{} has {} now", path, ownership_text(step.object, facts.id_names())),
                    unchanged_since_call(facts, step)}},
      .alternative = "that the directory refused is inferred: it was changed after the call",
      .advice = fmt::format("its owner or mode was changed since: try again; if it fails, look at {}", path)};
}

}  // namespace

std::optional<Finding> directory_not_writable(const Facts& facts) {
  if (facts.event.error() != EACCES && facts.event.error() != EPERM) return std::nullopt;
  const PermissionReplay& replay = facts.permissions();
  if (replay.changed_since && replay.changed_is_last && !facts.reaches() && facts.event.error() == EACCES)
    return changed_meanwhile(facts, replay);
  if (replay.changed_since || !replay.denial) return std::nullopt;
  if (replay.denial->what == Denial::What::immutable) return of_flag(facts, replay);
  const bool sticky = replay.denial->what == Denial::What::sticky;
  if (!sticky && replay.denial->what != Denial::What::write) return std::nullopt;
  if (sticky != (facts.event.error() == EPERM)) return std::nullopt;
  const PathStep& step = replay.denial->step;
  const IdNames& names = facts.id_names();
  return Finding{
      .cause = Cause::directory_not_writable,
      .evidence = {{fmt::format(
                        "{} has {}: {} for {}", printable(step.path).text, ownership_text(step.object, names),
                        sticky ? "sticky, and neither it nor the file belongs to the caller; removal denied"
                               : "no write permission (w)",
                        credentials_text(replay.credentials, names)),
                    replay.standing}},
      .alternative = {},
      .advice = sticky
                    ? std::string("let the owner of the file remove it, or ") + kOwnDirectory
                    : fmt::format("run it as {}, or {}", user_text(step.object.uid, names), kOwnDirectory)};
}

}  // namespace sockward::rules
