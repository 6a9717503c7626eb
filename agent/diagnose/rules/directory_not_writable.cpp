// The directory of the name may not be written by the caller: no socket can be made in it, none removed. In a
// sticky directory only the owner of the file or of the directory may remove it: EPERM (fs/namei.c,
// may_delete).
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/permissions.hpp"
#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

class DirectoryNotWritable final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    if (seen.event.error() != EACCES && seen.event.error() != EPERM) return std::nullopt;
    const PermissionReplay replay = replay_permissions(seen);
    if (!replay.denial) return std::nullopt;
    if (replay.denial->what == Denial::What::immutable) return examine_flag(seen, replay);
    const bool sticky = replay.denial->what == Denial::What::sticky;
    if (!sticky && replay.denial->what != Denial::What::write) return std::nullopt;
    if (sticky != (seen.event.error() == EPERM)) return std::nullopt;
    const PathStep& step = replay.denial->step;
    const std::string path = printable(step.path).text;
    Diagnosis found{.cause = Cause::directory_not_writable,
                    .confidence = replay.denial->sure ? Confidence::certain : Confidence::likely,
                    .evidence = {fmt::format(
                        "{} has {}: {} for {}", path, ownership_text(step.object),
                        sticky ? "sticky, and neither it nor the file belongs to the caller; removal denied"
                               : "no write permission (w)",
                        credentials_text(replay.credentials))}};
    if (!replay.doubt.empty()) found.evidence.push_back(printable(replay.doubt).text);
    found.advice =
        sticky ? "let the owner of the file remove it, or use a directory of the program's own (systemd: "
                 "RuntimeDirectory=)"
               : fmt::format(
                     "run it as uid {}, or use a directory of the program's own (systemd: RuntimeDirectory=)",
                     step.object.uid);
    return found;
  }

  static std::optional<Diagnosis> examine_flag(const Observation& seen, const PermissionReplay& replay) {
    if (seen.event.error() != EPERM) return std::nullopt;
    const PathObject& object = replay.denial->step.object;
    const std::string path = printable(replay.denial->step.path).text;
    const char flag = object.immutable ? 'i' : 'a';
    Diagnosis found{.cause = Cause::directory_not_writable,
                    .confidence = replay.denial->sure ? Confidence::certain : Confidence::likely,
                    .evidence = {fmt::format("{} is {} (statx: the attribute {}), for root too", path,
                                             object.immutable ? "immutable" : "append-only", flag)}};
    if (!replay.doubt.empty()) found.evidence.push_back(printable(replay.doubt).text);
    found.advice = fmt::format("find out why it was set, then: chattr -{} {}", flag, path);
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_directory_not_writable() {
  return std::make_unique<DirectoryNotWritable>();
}

}  // namespace sockward
