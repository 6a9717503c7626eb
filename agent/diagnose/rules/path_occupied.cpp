// Something that is no socket lies where the socket should be.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
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

}  // namespace

std::optional<Finding> path_occupied(const Facts& facts) {
  const bool bind = facts.is(Syscall::bind, EADDRINUSE);
  if (!bind && (!facts.reaches(ECONNREFUSED) || facts.to_peer())) return std::nullopt;
  const auto& file = facts.socket_file();
  if (!file || file->object.kind == PathObject::Kind::socket || !file->moved.empty()) return std::nullopt;
  return Finding{.cause = Cause::path_occupied,
                 .evidence = {{fmt::format("{} is {} ({})", printable(file->path).text,
                                           kind_text(file->object.kind), ownership_text(file->object)),
                               file->is}},
                 .alternative = {},
                 .advice = bind ? "remove or rename it, or choose another path for the socket"
                                : "give the client the path of a socket"};
}

}  // namespace sockward::rules
