#include "host/process/proc_processes.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/read_file.hpp"
#include "host/containers/cgroup_programs.hpp"
#include "host/process/proc_text.hpp"

namespace sockward {

Result<std::string> ProcProcesses::executable(ProcessId process) const {
  const auto folder = folders_.open(process);
  if (!folder) return folder.error();
  char target[4096];
  const ssize_t bytes = readlinkat(folder->get(), "exe", target, sizeof(target));
  if (bytes < 0) return last_error("read link /proc/pid/exe");
  return std::string(target, static_cast<std::size_t>(bytes));
}

Result<std::vector<std::string>> ProcProcesses::arguments(ProcessId process) const {
  const auto folder = folders_.open(process);
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->get(), "cmdline");
  if (!text) return text.error();
  std::vector<std::string> arguments;
  for (std::size_t start = 0; start < text->size();) {
    const std::size_t end = std::min(text->find('\0', start), text->size());
    arguments.push_back(text->substr(start, end - start));
    start = end + 1;
  }
  return arguments;
}

Result<std::string> ProcProcesses::cgroup_path(ProcessId process) const {
  const auto folder = folders_.open(process);
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->get(), "cgroup");
  if (!text) return text.error();
  if (auto path = cgroup_of(*text, controller_)) return std::move(*path);
  return make_error(std::errc::no_such_file_or_directory,
                    "find the cgroup of controller '" + controller_ + "'");
}

Result<NamespaceInode> ProcProcesses::mount_namespace(ProcessId process) const {
  const auto folder = folders_.open(process);
  if (!folder) return folder.error();
  return namespace_in(*folder, "mnt");
}

Result<Credentials> ProcProcesses::credentials(const Event& event) const {
  const Actor& actor = event.actor;
  if (actor.groups && !actor.groups_truncated)
    return Credentials{.fsuid = actor.fsuid, .fsgid = actor.fsgid, .groups = *actor.groups};
  const auto thread = folders_.open_thread(event);
  if (!thread) return thread.error();
  const auto text = read_file_at(thread->get(), "status");
  if (!text) return text.error();
  if (auto found = credentials_of(*text)) return std::move(*found);
  return make_error(std::errc::bad_message, "read the credentials in /proc/pid/status");
}

Result<unsigned> ProcProcesses::cgroup_programs(const Event& event) const {
  if (cgroup2_root_.empty()) return make_error(std::errc::function_not_supported, "find cgroup2");
  const auto folder = folders_.open(process_of(event));
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->get(), "cgroup");
  if (!text) return text.error();
  const auto path = cgroup_of(*text, "");
  if (!path) return make_error(std::errc::no_such_file_or_directory, "find the cgroup2 of the process");
  return count_cgroup_programs(cgroup2_root_ + *path, event);
}

Result<std::optional<HostNames>> ProcProcesses::uts_names(NamespaceInode utsns) const {
  if (uts_ == nullptr)
    return make_error(std::errc::function_not_supported, "read UTS namespaces: no iterator");
  auto namespaces = uts_->read();
  if (!namespaces) return namespaces.error();
  for (auto& known : *namespaces)
    if (known.inode == utsns)
      return std::optional(HostNames{std::move(known.hostname), std::move(known.domainname)});
  return std::optional<HostNames>();
}

}  // namespace sockward
