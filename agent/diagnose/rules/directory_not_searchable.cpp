// A directory on the way may not be searched by the caller: EACCES, whatever lies behind it.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/permissions.hpp"
#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

class DirectoryNotSearchable final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    if (seen.event.error() != EACCES) return std::nullopt;
    const PermissionReplay replay = replay_permissions(seen);
    if (!replay.denial || replay.denial->what != Denial::What::search) return std::nullopt;
    const PathStep& step = replay.denial->step;
    const std::string path = printable(step.path).text;
    Diagnosis found{
        .cause = Cause::directory_not_searchable,
        .confidence = replay.denial->sure ? Confidence::certain : Confidence::likely,
        .evidence = {fmt::format("{} has {}: no search permission (x) for {}", path,
                                 ownership_text(step.object), credentials_text(replay.credentials))}};
    if (!replay.doubt.empty()) found.evidence.push_back(printable(replay.doubt).text);
    found.advice =
        fmt::format("run it as uid {} or in group {}, or give search permission on {} (chmod o+x, or an ACL)",
                    step.object.uid, step.object.gid, path);
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_directory_not_searchable() {
  return std::make_unique<DirectoryNotSearchable>();
}

}  // namespace sockward
