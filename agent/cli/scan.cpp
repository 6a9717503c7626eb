// sockward scan: the names of this node. Needs no BPF.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/startup_error.hpp"
#include "cli/flags.hpp"
#include "cli/scan_report.hpp"
#include "host/containers/cgroups.hpp"
#include "host/containers/container_path.hpp"
#include "host/containers/names/container_names.hpp"
#include "host/process/proc_processes.hpp"
#include "host/process/proc_uts.hpp"
#include "host/process/processes.hpp"
#include "host/sockets/proc_sockets.hpp"

namespace sockward {
namespace {

constexpr std::size_t kNearLimit = 92;
constexpr std::chrono::seconds kSearchFor{3};

using FileKey = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

/// Where processes run, asked once for each process and each cgroup.
class Places {
 public:
  explicit Places(const ProcessView& processes) : processes_(processes) {}

  ProcessPlace of(std::uint32_t tgid) {
    const auto [known, fresh] = of_process_.try_emplace(tgid);
    if (fresh) {
      const auto path = processes_.cgroup_path({.tgid = tgid});
      known->second = path ? of_cgroup(*path) : ProcessPlace{.container = "~other", .unit = ""};
    }
    return known->second;
  }

 private:
  const ProcessPlace& of_cgroup(const std::string& path) {
    const auto [known, fresh] = of_cgroup_.try_emplace(path);
    if (fresh) {
      ContainerIdentity container = container_from_cgroup(path);
      (void)namer_.fill_names(container, path);  // else its id stands there
      const auto unit = unit_from_cgroup(path);
      known->second = {.container = container.label(), .unit = unit ? unit->name : ""};
    }
    return known->second;
  }

  const ProcessView& processes_;
  ContainerNamer namer_;
  std::map<std::uint32_t, ProcessPlace> of_process_;
  std::map<std::string, ProcessPlace> of_cgroup_;
};

bool serves(const OpenSocket& socket) {
  if (socket.state == OpenSocket::State::listening) return true;
  return socket.name.kind == BoundName::Kind::inet && socket.type == SOCK_DGRAM;
}

void add_sockets(const SocketTables& tables, Places& places, ScanReport& report) {
  // Socket and process: it may have it open more than once.
  std::set<std::pair<std::uint64_t, std::uint32_t>> reported;
  for (const OpenSocket& socket : tables.open) {
    if (!reported.emplace(socket.owner.socket_inode, socket.owner.process.tgid).second) continue;
    if (serves(socket)) report.listeners.push_back({socket, places.of(socket.owner.process.tgid)});
    if (socket.path.size() >= kNearLimit && socket.state != OpenSocket::State::connected)
      report.near_limit.push_back({socket, places.of(socket.owner.process.tgid)});
  }
  for (const OpenSocket& socket : tables.orphans)
    if (serves(socket))
      report.listeners.push_back({socket, {.container = "kernel, or in flight", .unit = ""}});
  std::sort(report.listeners.begin(), report.listeners.end(), [](const auto& one, const auto& other) {
    return bound_text(one.socket) < bound_text(other.socket);
  });
}

std::string folder_of_socket(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return path.starts_with('/') && slash != 0 ? path.substr(0, slash) : "";
}

/// Where servers put their sockets, and where they are now.
std::vector<std::string> likely_folders(const SocketTables& tables) {
  std::vector<std::string> folders{"/run",     "/tmp",       "/var/tmp", "/dev/shm",
                                   "/var/lib", "/var/spool", "/var/run"};
  std::set<std::string> more;
  for (const OpenSocket& socket : tables.open)
    if (auto folder = folder_of_socket(socket.path); !folder.empty()) more.insert(std::move(folder));
  for (const auto& folder : more)
    if (std::none_of(folders.begin(), folders.end(),
                     [&](const auto& known) { return (folder + "/").starts_with(known + "/"); }))
      folders.push_back(folder);
  return folders;
}

/// One process for each mount namespace, with a root of its own to search.
std::map<NamespaceInode, std::uint32_t> mount_namespaces() {
  std::map<NamespaceInode, std::uint32_t> found;
  auto processes = list_processes("/proc");
  if (!processes) return found;
  std::sort(processes->begin(), processes->end());
  for (const std::uint32_t tgid : *processes) {
    struct stat status {};
    if (stat(("/proc/" + std::to_string(tgid) + "/ns/mnt").c_str(), &status) == 0)
      found.try_emplace(static_cast<NamespaceInode>(status.st_ino), tgid);
  }
  return found;
}

void add_stale_files(const SocketTables& tables, Places& places, ScanReport& report) {
  std::set<FileKey> known;
  for (const auto* sockets : {&tables.open, &tables.orphans})
    for (const OpenSocket& socket : *sockets) known.emplace(socket.name.device, socket.name.inode);
  const auto folders = likely_folders(tables);
  const auto until = std::chrono::steady_clock::now() + kSearchFor;
  const SystemClock clock;
  const std::int64_t now = clock.wall(clock.monotonic()).ns;
  for (const auto& [inode, tgid] : mount_namespaces()) {
    const FileDescriptor root(
        open(("/proc/" + std::to_string(tgid) + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) continue;
    SocketFileSearch search = find_socket_files(root.get(), folders, until);
    if (search.cut)
      report.gaps.push_back(
          fmt::format("socket files of mount namespace {}: stopped after {} entries", inode, search.entries));
    for (FoundSocketFile& file : search.files)
      if (known.emplace(file.object.device, file.object.inode).second) {
        const std::int64_t age = (now - file.object.changed.ns) / 1'000'000'000;
        report.stale.push_back({std::move(file), places.of(tgid), std::max<std::int64_t>(age, 0)});
      }
  }
}

}  // namespace

int scan_command(const ScanFlags& flags) {
  const CgroupMounts mounts = find_cgroup_mounts();
  const ProcUts uts("/proc");
  const ProcessFolders folders("/proc");
  const ProcProcesses processes(folders, mounts.controller(), mounts.v2_root, &uts);
  Places places(processes);
  ScanReport report;
  auto names = uts.read();
  if (!names) throw failure(names.error().text(), "scan needs a /proc, and root to see everything in it");
  for (auto& known : *names) {
    ProcessPlace place = places.of(known.first_tgid);
    report.uts.push_back({std::move(known), std::move(place)});
  }
  const auto tables = ProcSockets("/proc").tables();
  if (!tables) throw failure(tables.error().text(), "scan needs a /proc, and root to see everything in it");
  report.gaps = tables->gaps;
  add_sockets(*tables, places, report);
  add_stale_files(*tables, places, report);
  const std::string text = flags.json ? to_json(report) : to_text(report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace sockward
