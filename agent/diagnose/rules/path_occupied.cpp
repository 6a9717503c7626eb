// Something that is no socket lies where the socket should be.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/socket_file.hpp"

namespace sockward {
namespace {

const char* kind_text(PathObject::Kind kind) {
  switch (kind) {
    case PathObject::Kind::file:
      return "a regular file";
    case PathObject::Kind::directory:
      return "a directory";
    case PathObject::Kind::symlink:
      return "a symbolic link";
    case PathObject::Kind::fifo:
      return "a fifo";
    case PathObject::Kind::device:
      return "a device";
    case PathObject::Kind::socket:
      return "a socket";
  }
  return "something";
}

class PathOccupied final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const bool bind = seen.event.syscall == Syscall::bind && seen.event.error() == EADDRINUSE;
    const bool connect = seen.event.syscall == Syscall::connect && seen.event.error() == ECONNREFUSED;
    if (!bind && !connect) return std::nullopt;
    const auto file = look_at_socket_file(seen);
    if (!file || file->object.kind == PathObject::Kind::socket) return std::nullopt;
    // connect follows a link: what it leads to refused, not the link.
    if (connect && file->object.kind == PathObject::Kind::symlink) return std::nullopt;
    Diagnosis found{.cause = Cause::path_occupied,
                    .confidence = file->settled ? Confidence::certain : Confidence::likely,
                    .evidence = {fmt::format("{} is {} ({})", printable(file->path).text,
                                             kind_text(file->object.kind), ownership_text(file->object))}};
    if (!file->settled) found.evidence.emplace_back("it was changed after the call");
    found.advice = bind ? "remove or rename it, or choose another path for the socket"
                        : "give the client the path of a socket";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_path_occupied() {
  return std::make_unique<PathOccupied>();
}

}  // namespace sockward
