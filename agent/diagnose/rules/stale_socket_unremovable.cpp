// The program tried to remove a stale socket, was refused, went on, and blamed the address.
//
// Evidence of stale_socket, and a failed unlink of the same path by the same process within a minute.
#include <fmt/format.h>

#include <cerrno>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

void add_folder(const Facts& facts, Finding& found) {
  const auto& searched = facts.way().trace.searched;
  if (searched.empty()) return;
  constexpr std::uint32_t kSticky = 01000;
  const PathStep& folder = searched.back();
  found.note(fmt::format("{} has {}{}", printable(folder.path).text, ownership_text(folder.object),
                         (folder.object.mode & kSticky) != 0 ? ": sticky, only owners may remove" : ""));
}

/// EACCES: only who may write the directory. EPERM: a sticky one, where the file's owner may.
std::uint32_t who_may_remove(const Facts& facts, const SocketFile& file, int error) {
  const auto& searched = facts.way().trace.searched;
  return error == EACCES && !searched.empty() ? searched.back().object.uid : file.object.uid;
}

}  // namespace

std::optional<Finding> stale_socket_unremovable(const Facts& facts) {
  if (!facts.is(Syscall::bind, EADDRINUSE)) return std::nullopt;
  const auto& file = facts.socket_file();
  if (!is_stale(file) || ended_after_call(facts, *file)) return std::nullopt;
  const auto failure = refused_removal(facts, *file);
  if (!failure) return std::nullopt;
  Finding found{.cause = Cause::stale_socket_unremovable};
  describe_stale(facts, *file, found);
  found.evidence.emplace_back(fmt::format("this process tried to remove it {:.1f} ms before: {} {}",
                                          static_cast<double>(facts.event.time.ns - failure->time.ns) / 1e6,
                                          to_string(failure->syscall),
                                          errno_name(failure->error).value_or("failed")));
  add_folder(facts, found);
  found.advice =
      failure->error == EROFS
          ? "the file system is read-only: remount it, or give the program a writable directory"
          : fmt::format(
                "remove it as uid {}, or give the program its own directory (systemd: RuntimeDirectory=)",
                who_may_remove(facts, *file, failure->error));
  return found;
}

}  // namespace sockward::rules
