// openat2 with RESOLVE_NO_SYMLINKS met a symbolic link: a policy of the caller, not a loop (the Incus rootfs
// story).
//
// The flags and the path come from the caller's memory; the link is looked up on the disk, as the caller's
// root has it. A container's starter ends within a millisecond of its failure, and its mount namespace with
// it: then the link is read from the agent's own mounts, as a remark, and the error is the proof, when the
// kernel itself gave it: a seccomp filter can answer with any error, and on tracepoints only the end of
// openat2 is seen (SOCKWARD_KERNEL_ANSWERED: the caller had no filter).
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/file_time.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

constexpr std::uint64_t kNoSymlinks = 4, kInRoot = 16;  // RESOLVE_*, include/uapi/linux/openat2.h

void name_link(const SymlinkOnPath& link, const std::string& path, Evidence seen, Finding& found) {
  const std::string from = printable(link.path).text, to = printable(link.target).text;
  seen.text += fmt::format("{} is a symbolic link to {}", from, to);
  found.evidence.push_back(std::move(seen));
  found.advice = fmt::format(
      "use the real path instead of {}; or replace the link with a bind mount: rm {} && mkdir {} && "
      "mount --bind {} {}",
      printable(path).text, from, from, to, from);
}

/// The kernel has no reason for ELOOP then.
Finding no_link_there(const std::string& path) {
  Finding found{
      .cause = Cause::policy_denied,
      .evidence = {{printable(path).text + " had no symbolic link in it when openat2 returned ELOOP"}},
      .alternative = "which layer answered was not seen; a seccomp filter can answer with any error",
      .advice = "look at the program's seccomp filter (SystemCallFilter=, the container's profile)"};
  found.policy = "seccomp";
  return found;
}

/// The path led to this link then, too: neither it nor a directory on the way to it was changed since.
Standing of_first_link(const Facts& facts, const PathStep& link) {
  const PathFacts& way = facts.way();
  const std::string folder = folder_of(link.path);
  for (std::size_t i = 0; i < way.trace.searched.size(); ++i)
    if (way.trace.searched[i].path == folder) return way.leads_to[i] && unchanged_since_call(facts, link);
  return Standing::later("the directory of the link was not looked at");
}

/// With the flag, the kernel answers ELOOP for a symbolic link and nothing else (fs/namei.c, pick_link()).
Evidence in_our_mounts(const Facts& facts, const SymlinkOnPath& link) {
  const std::string where = "in the agent's own view ";
  if (!facts.event.kernel_answered)
    return {where,
            Standing::later(
                "the caller and its mount namespace are gone, and a seccomp filter may have answered")};
  if (!surely_before(link.changed, facts.call_time()))
    return {where, Standing::later("the link may be one that was made after the call")};
  return Evidence::note(where);
}

/// How the link is known to have been the one; the text is yet to be written.
Evidence seen_how(const Facts& facts, const SymlinkOnPath& link) {
  if (link.from_our_mounts) return in_our_mounts(facts, link);
  const PathFacts& way = facts.way();
  if (way.known() && !way.trace.links.empty() && way.trace.links[0].path == link.path)
    return {"", facts.clock() && of_first_link(facts, way.trace.links[0])};
  return {"", Standing::later("the path leads along other links by now")};
}

/// The path with RESOLVE_IN_ROOT begins at the directory of the call, which is not in the record.
bool begins_elsewhere(const PathCall& call) {
  return (call.resolve & kInRoot) != 0 && call.path && call.path->starts_with('/');
}

/// The first link on the way, as the caller's own view of the file system has it, or else as ours.
void find_link(const Facts& facts, const std::string& path, Finding& found) {
  const auto& link = facts.first_symlink();
  if (!link) {
    found.alternative = "the path is not visible: " + link.error().text();
  } else if (!*link) {
    const PathFacts& way = facts.way();
    const bool same_end = way.trace.object ? way.object_is.proven() : way.absence.proven();
    if (way.known() && !way.leads_to.empty() && way.leads_to.back().proven() && same_end) {
      found = no_link_there(path);
    } else {
      found.alternative = "no component of the path is a symbolic link any more";
    }
  } else {
    name_link(**link, path, seen_how(facts, **link), found);
  }
}

}  // namespace

std::optional<Finding> symlink_refused(const Facts& facts) {
  const PathCall* call = facts.path_call();
  if (call == nullptr || !facts.is(Syscall::openat2, ELOOP)) return std::nullopt;
  if (!call->arguments_readable || (call->resolve & kNoSymlinks) == 0) return std::nullopt;
  Finding found{
      .cause = Cause::symlink_refused,
      .evidence = {{"openat2 was called with RESOLVE_NO_SYMLINKS: no component may be a symbolic link"}}};
  const auto path = begins_elsewhere(*call) ? std::nullopt : resolved_path(facts.event);
  if (path)
    find_link(facts, *path, found);
  else
    found.alternative = "the path could not be made absolute";
  return found;
}

}  // namespace sockward::rules
