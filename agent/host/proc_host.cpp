#include "host/proc_host.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/read_file.hpp"
#include "host/containers/cgroup_programs.hpp"

namespace sockward {

ProcHost::ProcHost(std::string proc, std::string controller, const UtsNames* uts, const BoundSockets* sockets,
                   const MountEvents* mount_events, std::string cgroup2_root, std::size_t walk_bytes)
    : controller_(std::move(controller)),
      cgroup2_root_(std::move(cgroup2_root)),
      uts_(uts),
      processes_(std::move(proc)),
      limit_(clock_, walk_bytes == SocketList::kUnbounded ? CpuBudget::kUnlimited : CpuBudget::kBurst),
      scans_(sockets, clock_, limit_, walk_bytes),
      mount_counter_(processes_.proc(), mount_events, clock_, limit_),
      paths_(processes_, clock_, limit_),
      network_(processes_, clock_, limit_) {}

void ProcHost::refresh_socket_scan() const {
  clock_watch_.check();
  scans_.refresh_socket_scan();
}

HostView::Omissions ProcHost::omissions() const {
  const TimeLimitedWorker::GivenUp files = paths_.given_up();
  return {.sockets = scans_.left_out(),
          .look_ups = limit_.refused(),
          .files_timed_out = files.timed_out,
          .files_not_begun = files.not_begun};
}

Result<std::string> ProcHost::executable(ProcessId process) const {
  const auto folder = processes_.open(process);
  if (!folder) return folder.error();
  char target[4096];
  const ssize_t bytes = readlinkat(folder->get(), "exe", target, sizeof(target));
  if (bytes < 0) return last_error("read link /proc/pid/exe");
  return std::string(target, static_cast<std::size_t>(bytes));
}

Result<std::vector<std::string>> ProcHost::arguments(ProcessId process) const {
  const auto folder = processes_.open(process);
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

Result<std::string> ProcHost::cgroup_path(ProcessId process) const {
  const auto folder = processes_.open(process);
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->get(), "cgroup");
  if (!text) return text.error();
  if (auto path = cgroup_of(*text, controller_)) return std::move(*path);
  return make_error(std::errc::no_such_file_or_directory,
                    "find the cgroup of controller '" + controller_ + "'");
}

Result<NamespaceInode> ProcHost::mount_namespace(ProcessId process) const {
  const auto folder = processes_.open(process);
  if (!folder) return folder.error();
  return namespace_in(*folder, "mnt");
}

Result<Credentials> ProcHost::credentials(const Event& event) const {
  if (assumed_) return *assumed_;
  const Actor& actor = event.actor;
  if (actor.groups && !actor.groups_truncated)
    return Credentials{.fsuid = actor.fsuid, .fsgid = actor.fsgid, .groups = *actor.groups};
  const auto thread = processes_.open_thread(event);
  if (!thread) return thread.error();
  const auto text = read_file_at(thread->get(), "status");
  if (!text) return text.error();
  if (auto found = credentials_of(*text)) return std::move(*found);
  return make_error(std::errc::bad_message, "read the credentials in /proc/pid/status");
}

Result<unsigned> ProcHost::cgroup_programs(const Event& event) const {
  if (cgroup2_root_.empty()) return make_error(std::errc::function_not_supported, "find cgroup2");
  const auto folder = processes_.open(process_of(event));
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->get(), "cgroup");
  if (!text) return text.error();
  const auto path = cgroup_of(*text, "");
  if (!path) return make_error(std::errc::no_such_file_or_directory, "find the cgroup2 of the process");
  return count_cgroup_programs(cgroup2_root_ + *path, event);
}

Result<std::optional<HostNames>> ProcHost::uts_names(NamespaceInode utsns) const {
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
