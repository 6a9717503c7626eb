#include "host/network/network_namespaces.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <set>

#include "base/read_file.hpp"
#include "host/in_namespace.hpp"
#include "host/paths/mountinfo.hpp"
#include "host/process/processes.hpp"

namespace sockward {
namespace {

constexpr std::size_t kLongestMountinfo = std::size_t{16} << 20;

NamespaceInode wanted_by(const Event& event) {
  const auto* call = std::get_if<SocketCall>(&event.call);
  return call != nullptr && call->socket_netns != 0 ? call->socket_netns : event.actor.netns;
}

/// `file` opened, if it is the namespace with this number.
Result<NetworkNamespace> checked(FileDescriptor file, FileDescriptor process, NamespaceInode expected) {
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0) return last_error("open a network namespace");
  if (status.st_ino != expected)
    return make_error(std::errc::no_such_process,
                      fmt::format("find a process in network namespace {}", expected));
  return NetworkNamespace{std::move(file), std::move(process)};
}

Result<NetworkNamespace> network_of(Result<FileDescriptor> process, NamespaceInode expected) {
  if (!process) return process.error();
  FileDescriptor file(openat(process->get(), "ns/net", O_RDONLY | O_CLOEXEC));
  return checked(std::move(file), std::move(*process), expected);
}

/// Has the process, or what was mounted, ended meanwhile?
bool vanished(const Error& error) {
  return error.code == std::errc::no_such_file_or_directory || error.code == std::errc::no_such_process;
}

}  // namespace

Result<NetworkNamespace> NetworkNamespaces::open(const Event& event) const {
  const NamespaceInode wanted = wanted_by(event);
  if (auto found = network_of(processes_.open_thread(event), wanted)) return found;
  if (auto found = network_of(processes_.open(process_of(event)), wanted)) return found;
  return network_of(processes_.open_own(), wanted);
}

Result<NetworkNamespace> NetworkNamespaces::search(const Event& event) const {
  const NamespaceInode wanted = wanted_by(event);
  const auto any = [](const FileDescriptor&) { return true; };
  if (auto found = network_of(processes_.open_member("net", wanted, event.time, any), wanted)) return found;
  const auto all = find_all();
  if (!all) return all.error();
  const auto places = all->find(wanted);
  if (places == all->end())
    return make_error(std::errc::no_such_process,
                      fmt::format("find a process in network namespace {}", wanted));
  return open_any(places->second, wanted);
}

Result<NetworkNamespaces::Places> NetworkNamespaces::find_all() const {
  constexpr std::size_t kEnough = 4;  // places for each: some may vanish before they are opened
  const auto processes = list_processes(processes_.proc());
  if (!processes) return processes.error();
  Places places, mounted;
  std::set<NamespaceInode> searched;  // mount namespaces
  for (const std::uint32_t tgid : *processes) {
    const auto folder = processes_.open({.tgid = tgid});
    if (!folder) continue;
    if (const auto net = namespace_in(*folder, "net"))
      if (auto& known = places[*net]; known.size() < kEnough) known.push_back({tgid, ""});
    const auto mounts = namespace_in(*folder, "mnt");
    if (!mounts || searched.contains(*mounts)) continue;
    const auto read =
        read_lines_at(folder->get(), "mountinfo", kLongestMountinfo, [&](std::string_view lines) {
          for_each_mount(lines, [&](const MountLine& line) {
            if (const auto net = mounted_namespace(line, "net")) mounted[*net].push_back({tgid, line.point});
          });
        });
    if (read) searched.insert(*mounts);  // else the process has ended: another one may live there
  }
  for (auto& [inode, where] : mounted)
    for (Place& place : where)
      if (auto& known = places[inode]; known.size() < kEnough) known.push_back(std::move(place));
  return places;
}

Result<NetworkNamespace> NetworkNamespaces::open_place(const Place& place, NamespaceInode expected) const {
  auto process = processes_.open({.tgid = place.tgid});
  if (place.path.empty() || !process) return network_of(std::move(process), expected);
  const FileDescriptor root(openat(process->get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return last_error("open /proc/pid/root");
  open_how how{};
  how.flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
  FileDescriptor file(
      static_cast<int>(syscall(SYS_openat2, root.get(), place.path.c_str(), &how, sizeof(how))));
  return checked(std::move(file), {}, expected);
}

Result<NetworkNamespace> NetworkNamespaces::open_any(const std::vector<Place>& places,
                                                     NamespaceInode expected) const {
  Result<NetworkNamespace> found = make_error(std::errc::no_such_process, "open a network namespace");
  for (const Place& place : places) {
    found = open_place(place, expected);
    if (found) break;
  }
  return found;
}

Result<bool> NetworkNamespaces::for_each(const Event& event,
                                         const std::function<bool(const NetworkNamespace&)>& visit) const {
  const auto all = find_all();
  if (!all) return all.error();
  std::optional<Error> failed;
  const auto go_on = [&](NamespaceInode inode, const std::vector<Place>& places) {
    const auto home = open_any(places, inode);
    if (!home && !vanished(home.error())) failed = home.error();
    return !home || visit(*home);
  };
  const NamespaceInode first = wanted_by(event);
  if (const auto found = all->find(first); found != all->end() && !go_on(first, found->second)) return true;
  for (const auto& [inode, places] : *all)
    if (inode != first && !go_on(inode, places)) return true;
  if (failed) return *failed;
  return true;
}

Result<bool> NetworkNamespaces::read_table(const NetworkNamespace& home, const std::string& table,
                                           std::size_t most,
                                           const std::function<void(std::string_view)>& take) const {
  if (home.process.valid()) {
    bool taken = false;
    auto read = read_lines_at(home.process.get(), "net/" + table, most, [&](std::string_view lines) {
      taken = true;
      take(lines);
    });
    // The process may have ended; its namespace is still open here.
    if (read || taken || read.error().code == std::errc::file_too_large) return read;
  }
  return in_namespace<bool>(home.file.get(), CLONE_NEWNET, [&] {
    return read_lines_at(AT_FDCWD, processes_.proc() + "/thread-self/net/" + table, most, take);
  });
}

}  // namespace sockward
