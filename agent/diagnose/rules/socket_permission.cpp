// connect needs write permission on the socket file (unix(7)): the docker.sock case.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/permissions.hpp"
#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

class SocketPermission final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    if (seen.event.syscall != Syscall::connect || seen.event.error() != EACCES) return std::nullopt;
    const PermissionReplay replay = replay_permissions(seen);
    if (!replay.denial || replay.denial->what != Denial::What::socket) return std::nullopt;
    const PathObject& object = replay.denial->step.object;
    Diagnosis found{.cause = Cause::socket_permission,
                    .confidence = replay.denial->sure ? Confidence::certain : Confidence::likely,
                    .evidence = {fmt::format("{} has {}: no write permission for {}",
                                             printable(replay.denial->step.path).text, ownership_text(object),
                                             credentials_text(replay.credentials))}};
    if (!replay.doubt.empty()) found.evidence.push_back(printable(replay.doubt).text);
    constexpr std::uint32_t kGroupWrite = 020;
    found.advice =
        (object.mode & kGroupWrite) != 0
            ? fmt::format("put the user into group {} (and log in anew)", object.gid)
            : fmt::format("run the client as uid {}, or let the server give its socket a group and mode 0660",
                          object.uid);
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_socket_permission() {
  return std::make_unique<SocketPermission>();
}

}  // namespace sockward
