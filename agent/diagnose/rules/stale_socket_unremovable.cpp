// The program tried to remove a stale socket, was refused, went on, and blamed the address (the Ergo story).
//
// Evidence of stale_socket, and a failed unlink of the same path by the same process within a minute.
#include <fmt/format.h>

#include <cerrno>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

class StaleSocketUnremovable final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    if (seen.event.syscall != Syscall::bind || seen.event.error() != EADDRINUSE) return std::nullopt;
    const auto file = look_at_socket_file(seen);
    if (!file || file->object.kind != PathObject::Kind::socket) return std::nullopt;
    if (!file->holding.open.empty() || !file->holding.obstacle.empty()) return std::nullopt;
    const auto failure = seen.history.failed_unlink(seen.event, file->path);
    if (!failure) return std::nullopt;
    Diagnosis found{.cause = Cause::stale_socket_unremovable, .confidence = Confidence::likely};
    found.evidence.push_back(fmt::format("{} is a socket ({}), and no process has it open",
                                         printable(file->path).text, ownership_text(file->object)));
    if (file->dead_before) {
      found.confidence = Confidence::certain;
      found.evidence.emplace_back("nobody had it open before the call either (an earlier walk)");
    }
    found.evidence.push_back(fmt::format("this process tried to remove it {:.1f} ms before: {} {}",
                                         static_cast<double>(seen.event.time.ns - failure->time.ns) / 1e6,
                                         to_string(failure->syscall),
                                         errno_name(failure->error).value_or("failed")));
    add_folder(seen, *file, found);
    found.advice = failure->error == EROFS
                       ? "the file system is read-only: remount it, or give the program a writable directory"
                       : fmt::format(
                             "remove it as uid {}, or give the program a directory of its own (systemd: "
                             "RuntimeDirectory=)",
                             file->object.uid);
    return found;
  }

  static void add_folder(const Observation& seen, const SocketFile& file, Diagnosis& found) {
    const std::string folder = folder_of(file.path);
    const auto object = seen.host.object_at(seen.event, folder);
    if (!object || !*object) return;
    constexpr std::uint32_t kSticky = 01000;
    found.evidence.push_back(
        fmt::format("{} has {}{}", printable(folder).text, ownership_text(**object),
                    ((*object)->mode & kSticky) != 0 ? ": sticky, only owners may remove" : ""));
  }
};

}  // namespace

std::unique_ptr<Rule> rule_stale_socket_unremovable() {
  return std::make_unique<StaleSocketUnremovable>();
}

}  // namespace sockward
