#include "host/process/process_folders.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.hpp"
#include "host/process/proc_text.hpp"
#include "host/process/processes.hpp"

namespace sockward {
namespace {

// The kernel rounds start_boottime down to ticks (fs/proc/array.c, nsec_to_clock_t).
bool same_start(std::uint64_t ticks, std::uint64_t start_ns) {
  const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return ticks == start_ns / (1'000'000'000 / per_second);
}

Result<FileDescriptor> open_folder(const std::string& path) {
  FileDescriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return last_error("open " + path);
  return folder;
}

}  // namespace

Result<FileDescriptor> ProcessFolders::open_own() const {
  return open_folder(proc_ + "/self");
}

Result<FileDescriptor> ProcessFolders::open(ProcessId process) const {
  const std::string path = fmt::format("{}/{}", proc_, process.tgid);
  auto folder = open_folder(path);
  if (!folder || process.start_ns == 0) return folder;
  const auto stat = read_file_at(folder->get(), "stat");
  if (!stat) return stat.error();
  const auto ticks = start_ticks_of(*stat);
  if (!ticks || !same_start(*ticks, process.start_ns))
    return make_error(std::errc::no_such_process, path + " is another process by now");
  return folder;
}

Result<FileDescriptor> ProcessFolders::open_thread(const Event& event) const {
  const auto process = open(process_of(event));
  if (!process) return process.error();
  const std::string name = fmt::format("task/{}", event.actor.tid);
  FileDescriptor thread(openat(process->get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!thread.valid()) return last_error(fmt::format("open {}/{}/{}", proc_, event.actor.tgid, name));
  return thread;
}

bool ProcessFolders::is_older(const FileDescriptor& folder, MonotonicTime call) const {
  const auto stat = read_file_at(folder.get(), "stat");
  const auto ticks = stat ? start_ticks_of(*stat) : std::nullopt;
  const std::uint64_t tick = 1'000'000'000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return ticks && (*ticks + 1) * tick < call.ns + clock_.boot_offset();
}

Result<FileDescriptor> ProcessFolders::open_member(
    const char* kind, NamespaceInode inode, MonotonicTime call,
    const std::function<bool(const FileDescriptor&)>& wanted) const {
  const auto processes = list_processes(proc_);
  if (!processes) return processes.error();
  for (const std::uint32_t tgid : *processes) {
    auto folder = open({.tgid = tgid});
    if (!folder) continue;
    const auto home = namespace_in(*folder, kind);
    if (home && *home == inode && wanted(*folder) && is_older(*folder, call)) return folder;
  }
  return make_error(std::errc::no_such_process,
                    fmt::format("find a process in {} namespace {}", kind, inode));
}

Result<NamespaceInode> namespace_in(const FileDescriptor& folder, const char* kind) {
  struct stat status {};
  const std::string name = fmt::format("ns/{}", kind);
  if (fstatat(folder.get(), name.c_str(), &status, 0) != 0) return last_error("look at /proc/pid/" + name);
  return static_cast<NamespaceInode>(status.st_ino);
}

}  // namespace sockward
