// EROFS: the name would have to be made or removed on a file system that is mounted read-only.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class ReadOnlyFilesystem final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    if (seen.event.error() != EROFS) return std::nullopt;
    Diagnosis found{.cause = Cause::read_only_filesystem, .confidence = Confidence::certain};
    const auto path = resolved_path(seen.event);
    found.evidence = {fmt::format("{} is on a file system that is read-only for the caller",
                                  path ? printable(*path).text : "the path")};
    found.advice = "use a writable directory (in a container: a tmpfs or volume), or remount it";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_read_only_filesystem() {
  return std::make_unique<ReadOnlyFilesystem>();
}

}  // namespace sockward
