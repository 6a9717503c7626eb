// openat2 with RESOLVE_NO_SYMLINKS met a symbolic link: a policy of the caller, not a loop (the Incus rootfs
// story).
//
// The flags and the path come from the caller's memory; the link is looked up on the disk, as the caller's
// root has it.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/file_time.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

constexpr std::uint64_t kNoSymlinks = 4;  // RESOLVE_NO_SYMLINKS, include/uapi/linux/openat2.h

class SymlinkRefused final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<PathCall>(&seen.event.call);
    if (call == nullptr || seen.event.syscall != Syscall::openat2 || seen.event.error() != ELOOP)
      return std::nullopt;
    if (!call->arguments_readable || (call->resolve & kNoSymlinks) == 0) return std::nullopt;
    Diagnosis found{.cause = Cause::symlink_refused, .confidence = Confidence::likely};
    found.evidence = {"openat2 was called with RESOLVE_NO_SYMLINKS: no component may be a symbolic link"};
    const auto path = resolved_path(seen.event);
    if (!path) {
      found.evidence.emplace_back("the path could not be made absolute");
      return found;
    }
    const auto link = seen.host.first_symlink(seen.event, *path);
    if (!link) {
      found.evidence.push_back("the path is not visible: " + link.error().text());
    } else if (!*link) {
      found.evidence.emplace_back("no component of it is a symbolic link by now");
    } else {
      name_link(**link, *path, found);
      if (!surely_before((*link)->changed, seen.host.wall(seen.event.time))) {
        found.confidence = Confidence::likely;
        found.evidence.emplace_back("the link was made or changed about the time of the call");
      }
      if ((*link)->from_our_mounts) {
        found.confidence = Confidence::likely;
        found.evidence.emplace_back("the caller and its mount namespace are gone: seen from the agent's own");
      }
    }
    return found;
  }

  static void name_link(const SymlinkOnPath& link, const std::string& path, Diagnosis& found) {
    found.confidence = Confidence::certain;
    const std::string from = printable(link.path).text, to = printable(link.target).text;
    found.evidence.push_back(fmt::format("{} is a symbolic link to {}", from, to));
    found.advice = fmt::format(
        "give the real path instead of {}; or replace the link by a bind mount: rm {} && mkdir {} && "
        "mount --bind {} {}",
        printable(path).text, from, from, to, from);
  }
};

}  // namespace

std::unique_ptr<Rule> rule_symlink_refused() {
  return std::make_unique<SymlinkRefused>();
}

}  // namespace sockward
