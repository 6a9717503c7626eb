#include "host/process/process_facts.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include "base/read_file.hpp"
#include "host/process/proc_text.hpp"

namespace sockward {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  auto text = read_file(path);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

NamespaceInode namespace_of(const std::string& folder, const char* kind) {
  struct stat status {};
  return stat((folder + "/ns/" + kind).c_str(), &status) == 0 ? static_cast<NamespaceInode>(status.st_ino)
                                                              : 0;
}

std::uint64_t start_ns_of(const std::string& stat_text) {
  const auto ticks = start_ticks_of(stat_text);
  return ticks ? *ticks * (1'000'000'000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK))) : 0;
}

/// The command between the first '(' and the last ')'.
std::string command_of(const std::string& stat_text) {
  const std::size_t open = stat_text.find('('), close = stat_text.rfind(')');
  return open == std::string::npos || close <= open ? "" : stat_text.substr(open + 1, close - open - 1);
}

struct Ids {
  std::uint32_t uid = 0;
  std::uint64_t cap_effective = 0;
};

Ids ids_of(const std::string& status_text) {
  Ids ids;
  std::istringstream lines(status_text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string key;
    fields >> key;
    if (key == "Uid:") fields >> ids.uid;
    if (key == "CapEff:") fields >> std::hex >> ids.cap_effective;
  }
  return ids;
}

struct Place {
  std::uint64_t device = 0, inode = 0;
};

/// Of the directory that a link of the process leads to: "root", "cwd".
Place place_of(const std::string& folder, const char* link) {
  struct stat status {};
  if (stat((folder + "/" + link).c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

}  // namespace

Result<Actor> actor_from_proc(const std::string& proc, std::uint32_t tgid) {
  const std::string folder = proc + "/" + (tgid == 0 ? "self" : std::to_string(tgid));
  const auto stat_text = read_text(folder + "/stat"), status_text = read_text(folder + "/status");
  if (!stat_text || !status_text) return make_error(std::errc::no_such_process, "read " + folder);
  const Ids ids = ids_of(*status_text);
  const auto credentials = credentials_of(*status_text);
  if (!credentials)
    return make_error(std::errc::bad_message, "read the credentials in " + folder + "/status");
  const Place root = place_of(folder, "root"), working = place_of(folder, "cwd");
  Actor actor{.tgid = tgid == 0 ? static_cast<std::uint32_t>(getpid()) : tgid,
              .leader_start_ns = start_ns_of(*stat_text),
              .uid = ids.uid,
              .fsuid = credentials->fsuid,
              .fsgid = credentials->fsgid,
              .cap_effective = ids.cap_effective,
              .netns = namespace_of(folder, "net"),
              .utsns = namespace_of(folder, "uts"),
              .pidns = namespace_of(folder, "pid"),
              .mntns = namespace_of(folder, "mnt"),
              .userns = namespace_of(folder, "user"),
              .root_device = root.device,
              .root_inode = root.inode,
              .working_device = working.device,
              .working_inode = working.inode,
              .groups = credentials->groups,
              .comm = command_of(*stat_text)};
  actor.tid = actor.tgid;
  return actor;
}

std::optional<OwnerProcess> owner_from_proc(const std::string& proc, std::uint32_t tgid) {
  const auto actor = actor_from_proc(proc, tgid);
  if (!actor) return std::nullopt;
  return OwnerProcess{.leader_start_ns = actor->leader_start_ns,
                      .tgid = actor->tgid,
                      .uid = actor->uid,
                      .pidns = actor->pidns,
                      .comm = actor->comm};
}

}  // namespace sockward
