// A socket file without a socket: whoever bound it has gone and left the file behind.
//
// Certain only when it was dead before the call: a walk that had ended by then met nobody who had it open.
// The agent makes one when it starts and whenever a process that bound a socket file has ended. A holder that
// dies right after the failing call leaves the same picture, so anything else is likely.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

class StaleSocket final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const bool bind = seen.event.syscall == Syscall::bind && seen.event.error() == EADDRINUSE;
    const bool connect = seen.event.syscall == Syscall::connect && seen.event.error() == ECONNREFUSED;
    if (!bind && !connect) return std::nullopt;
    const auto file = look_at_socket_file(seen);
    if (!file || file->object.kind != PathObject::Kind::socket) return std::nullopt;
    if (!file->holding.open.empty() || !file->holding.obstacle.empty()) return std::nullopt;
    if (bind && seen.history.failed_unlink(seen.event, file->path))
      return std::nullopt;  // stale_socket_unremovable
    Diagnosis found{.cause = Cause::stale_socket, .confidence = Confidence::likely};
    found.evidence.push_back(
        fmt::format("{} is a socket ({}), and no process has it open (walk over all open sockets)",
                    printable(file->path).text, ownership_text(file->object)));
    if (file->dead_before) {
      found.confidence = Confidence::certain;
      found.evidence.emplace_back("nobody had it open before the call either (an earlier walk)");
    }
    if (file->holding.binder) {
      found.holder = to_holder(*file->holding.binder, Holder::Kind::gone);
      found.evidence.push_back(owner_text(*file->holding.binder) + " had bound it");
    }
    found.advice = bind ? "remove the file, then start the program again; better: let it remove its own old "
                          "socket, or use a "
                          "directory that is emptied (systemd: RuntimeDirectory=)"
                        : "the server is not running: start it";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_stale_socket() {
  return std::make_unique<StaleSocket>();
}

}  // namespace sockward
