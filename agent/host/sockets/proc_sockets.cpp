#include "host/sockets/proc_sockets.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/file_descriptor.hpp"
#include "host/process/process_facts.hpp"
#include "host/process/processes.hpp"
#include "host/sockets/sock_diag.hpp"

namespace sockward {
namespace {

using Holders = std::unordered_map<std::uint64_t, std::vector<std::pair<std::uint32_t, std::uint32_t>>>;

/// 4711 of "socket:[4711]".
std::optional<std::uint64_t> socket_number(std::string_view target) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!target.starts_with(kPrefix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* first = target.data() + kPrefix.size();
  if (std::from_chars(first, target.data() + target.size(), number).ec != std::errc()) return std::nullopt;
  return number;
}

/// Adds the sockets that a process has open: socket inode -> process, descriptor.
void add_open_sockets(const std::string& folder, std::uint32_t tgid, Holders& holders) {
  const std::unique_ptr<DIR, int (*)(DIR*)> files(opendir((folder + "/fd").c_str()), closedir);
  if (!files) return;
  while (const dirent* entry = readdir(files.get())) {  // NOLINT(concurrency-mt-unsafe): a DIR of our own
    char target[64];
    const ssize_t bytes = readlinkat(dirfd(files.get()), entry->d_name, target, sizeof(target));
    if (bytes <= 0) continue;
    if (const auto number = socket_number({target, static_cast<std::size_t>(bytes)}))
      holders[*number].emplace_back(tgid,
                                    static_cast<std::uint32_t>(std::strtoul(entry->d_name, nullptr, 10)));
  }
}

}  // namespace

Result<SocketTables> ProcSockets::tables() const {
  Holders holders;
  std::map<NamespaceInode, std::string> networks;  // one member's file for each
  const auto processes = list_processes(proc_);
  if (!processes) return processes.error();
  for (const std::uint32_t tgid : *processes) {
    const std::string folder = proc_ + "/" + std::to_string(tgid);
    add_open_sockets(folder, tgid, holders);
    struct stat status {};
    if (stat((folder + "/ns/net").c_str(), &status) == 0)
      networks.try_emplace(static_cast<NamespaceInode>(status.st_ino), folder + "/ns/net");
  }
  SocketTables tables;
  std::unordered_map<std::uint32_t, std::optional<OwnerProcess>> owners;
  for (const auto& [inode, file] : networks) {
    const FileDescriptor netns(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    auto sockets = netns.valid() ? list_bound_sockets(netns.get(), inode)
                                 : Result<std::vector<OpenSocket>>(last_error("open " + file));
    if (!sockets) {
      tables.gaps.push_back("network namespace " + std::to_string(inode) + ": " + sockets.error().text());
      continue;
    }
    for (OpenSocket& socket : *sockets) {
      const auto found = holders.find(socket.owner.socket_inode);
      if (found == holders.end()) {
        tables.orphans.push_back(std::move(socket));
        continue;
      }
      for (const auto& [tgid, fd] : found->second) {
        auto [known, fresh] = owners.try_emplace(tgid);
        if (fresh) known->second = owner_from_proc(proc_, tgid);
        if (!known->second) continue;  // gone meanwhile
        OpenSocket held = socket;
        held.owner.process = *known->second;
        held.fd = fd;
        tables.open.push_back(std::move(held));
      }
    }
  }
  return tables;
}

Result<bool> ProcSockets::note_released() const {
  return make_error(std::errc::function_not_supported, "note released sockets");
}

Result<bool> ProcSockets::scan(SocketList& into) const {
  const auto tables = this->tables();
  if (!tables) return tables.error();
  for (const OpenSocket& socket : tables->open) into.add(socket);
  return true;
}

}  // namespace sockward
