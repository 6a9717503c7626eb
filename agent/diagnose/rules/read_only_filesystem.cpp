// EROFS: the name would have to be made or removed on a file system that is mounted read-only.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> read_only_filesystem(const Facts& facts) {
  if (facts.event.error() != EROFS) return std::nullopt;
  if (!facts.is_unix_path() && facts.path_call() == nullptr) return std::nullopt;
  const auto path = resolved_path(facts.event);
  return Finding{.cause = Cause::read_only_filesystem,
                 .evidence = {{fmt::format("{} is on a file system that is read-only for the caller (EROFS)",
                                           path ? printable(*path).text : "the path")}},
                 .alternative = {},
                 .advice = "use a writable directory (in a container: a tmpfs or volume), or remount it"};
}

}  // namespace sockward::rules
