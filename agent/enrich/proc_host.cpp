#include "enrich/proc_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/read_file.hpp"
#include "enrich/cgroup_programs.hpp"
#include "enrich/path_walk.hpp"
#include "enrich/proc_net.hpp"
#include "enrich/process_facts.hpp"
#include "enrich/processes.hpp"
#include "enrich/root_files.hpp"
#include "enrich/route.hpp"

namespace sockward {
namespace {

constexpr std::size_t kLongestTable = std::size_t{16} << 20;

// The kernel rounds start_boottime down to ticks (fs/proc/array.c, nsec_to_clock_t).
bool same_start(std::uint64_t ticks, std::uint64_t start_ns) {
  const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return ticks == start_ns / (1'000'000'000 / per_second);
}

Error too_often(const std::string& table) {
  return make_error(std::errc::resource_unavailable_try_again,
                    "search " + table + " once more, for which a tenth of a core has been spent");
}

}  // namespace

class ProcessFolder {
 public:
  explicit ProcessFolder(FileDescriptor fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

std::optional<std::uint64_t> start_ticks_of(std::string_view stat_text) {
  constexpr int kFieldsAfterCommand = 20;  // state is the first one behind ')', start time the twentieth
  std::size_t position = stat_text.rfind(')');
  if (position == std::string_view::npos) return std::nullopt;
  ++position;
  for (int field = 0; field < kFieldsAfterCommand; ++field) {
    position = stat_text.find(' ', position);
    if (position == std::string_view::npos) return std::nullopt;
    if (field + 1 < kFieldsAfterCommand) ++position;
  }
  const std::string_view rest = stat_text.substr(position + 1);
  std::uint64_t ticks = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), ticks).ec != std::errc()) return std::nullopt;
  return ticks;
}

bool any_idmapped(std::string_view mountinfo, const std::vector<std::uint64_t>& mounts) {
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::uint64_t number = 0, parent = 0;
    std::string device, root, point, options;
    fields >> number >> parent >> device >> root >> point >> options;
    if (std::find(mounts.begin(), mounts.end(), number) != mounts.end() &&
        ("," + options + ",").find(",idmapped,") != std::string::npos)
      return true;
  }
  return false;
}

std::optional<Credentials> credentials_of(std::string_view status_text) {
  Credentials found;
  bool uid = false, gid = false;
  std::istringstream lines{std::string(status_text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string key;
    std::uint32_t real = 0, effective = 0, saved = 0;
    fields >> key;
    if (key == "Uid:") uid = static_cast<bool>(fields >> real >> effective >> saved >> found.fsuid);
    if (key == "Gid:") gid = static_cast<bool>(fields >> real >> effective >> saved >> found.fsgid);
    if (key == "Groups:")
      for (std::uint32_t group = 0; fields >> group;) found.groups.push_back(group);
  }
  if (!uid || !gid) return std::nullopt;
  return found;
}

std::optional<std::string> cgroup_of(std::string_view cgroup_text, std::string_view controller) {
  while (!cgroup_text.empty()) {
    const std::size_t end = cgroup_text.find('\n');
    const std::string_view line = cgroup_text.substr(0, end);
    cgroup_text.remove_prefix(end == std::string_view::npos ? cgroup_text.size() : end + 1);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    if (controllers.find("," + std::string(controller) + ",") != std::string::npos)
      return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

/// Process 0 stands for our own.
Result<ProcessFolder> ProcHost::open_process(ProcessId process) const {
  const std::string path = process.tgid == 0 ? proc_ + "/self" : fmt::format("{}/{}", proc_, process.tgid);
  FileDescriptor folder(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return last_error("open " + path);
  if (process.start_ns != 0) {
    const auto stat = read_file_at(folder.get(), "stat");
    if (!stat) return stat.error();
    const auto ticks = start_ticks_of(*stat);
    if (!ticks || !same_start(*ticks, process.start_ns))
      return make_error(std::errc::no_such_process, path + " is another process by now");
  }
  return ProcessFolder(std::move(folder));
}

Result<std::string> ProcHost::executable(ProcessId process) const {
  const auto folder = open_process(process);
  if (!folder) return folder.error();
  char target[4096];
  const ssize_t bytes = readlinkat(folder->fd(), "exe", target, sizeof(target));
  if (bytes < 0) return last_error("read link /proc/pid/exe");
  return std::string(target, static_cast<std::size_t>(bytes));
}

Result<std::vector<std::string>> ProcHost::arguments(ProcessId process) const {
  const auto folder = open_process(process);
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->fd(), "cmdline");
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
  const auto folder = open_process(process);
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->fd(), "cgroup");
  if (!text) return text.error();
  if (auto path = cgroup_of(*text, controller_)) return std::move(*path);
  return make_error(std::errc::no_such_file_or_directory,
                    "find the cgroup of controller '" + controller_ + "'");
}

ProcHost::ProcHost(std::string proc, std::string controller, const UtsNames* uts, const BoundSockets* sockets,
                   std::string cgroup2_root, std::size_t walk_bytes)
    : proc_(std::move(proc)),
      controller_(std::move(controller)),
      cgroup2_root_(std::move(cgroup2_root)),
      uts_(uts),
      limit_(clock_, walk_bytes == SocketList::kUnbounded ? DutyLimit::kUnlimited : DutyLimit::kBurst),
      walks_(sockets, clock_, limit_, walk_bytes) {
  struct stat status {};
  if (stat("/proc/self/ns/mnt", &status) == 0) own_mntns_ = static_cast<NamespaceInode>(status.st_ino);
  if (stat("/proc/self/ns/net", &status) == 0) own_netns_ = static_cast<NamespaceInode>(status.st_ino);
  if (stat("/", &status) == 0) {
    own_root_device_ = status.st_dev;
    own_root_inode_ = status.st_ino;
  }
}

Result<std::shared_ptr<const SocketScan>> ProcHost::sockets(MonotonicTime time, Walk walk) const {
  return walks_.after(time, walk == Walk::shared);
}

Result<std::shared_ptr<const SocketScan>> ProcHost::sockets_before(MonotonicTime time) const {
  return walks_.before(time);
}

std::optional<SocketOwner> ProcHost::binder(const BoundName& name) const {
  return walks_.binder(name);
}

Result<FileDescriptor> ProcHost::open_root(const Event& event) const {
  const auto folder = open_process(process_of(event));
  if (folder) {
    FileDescriptor root(openat(folder->fd(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (root.valid()) return root;
  }
  if (event.actor.mntns != own_mntns_)
    if (auto root = open_root_of_neighbour(event)) return root;
  // Its root was ours only if both the mount namespace and the directory are: it may have been in a chroot.
  if (event.actor.mntns != own_mntns_ || event.actor.root_device != own_root_device_ ||
      event.actor.root_inode != own_root_inode_)
    return make_error(std::errc::no_such_process,
                      "open the root of a process that is gone, and was not ours");
  FileDescriptor root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return last_error("open /");
  return root;
}

/// The first process in a namespace that `wanted` accepts, if it is older than the call: the number of a
/// namespace that is gone may be given to a new one, so whoever is younger proves nothing.
Result<ProcessFolder> ProcHost::open_member(const char* kind, NamespaceInode inode, MonotonicTime call,
                                            const std::function<bool(const ProcessFolder&)>& wanted) const {
  constexpr std::uint64_t kTick = 10'000'000;  // ns: /proc/pid/stat rounds start times down
  const auto processes = list_processes(proc_);
  if (!processes) return processes.error();
  const std::uint64_t latest = call.ns + clock_.boot_offset();
  for (const std::uint32_t tgid : *processes) {
    struct stat status {};
    if (stat(fmt::format("{}/{}/ns/{}", proc_, tgid, kind).c_str(), &status) != 0 || status.st_ino != inode)
      continue;
    const auto owner = owner_from_proc(proc_, tgid);
    if (!owner || owner->leader_start_ns + kTick >= latest) continue;
    auto folder = open_process({.tgid = tgid, .start_ns = owner->leader_start_ns});
    if (folder && wanted(*folder)) return folder;
  }
  return make_error(std::errc::no_such_process, "find a process in the namespace of one that is gone");
}

/// The root of another process that lived in the same mount namespace, with the same root directory: the
/// caller of a container is often gone before anybody looks, its siblings are not.
Result<FileDescriptor> ProcHost::open_root_of_neighbour(const Event& event) const {
  FileDescriptor root;
  const auto same_root = [&](const ProcessFolder& folder) {
    struct stat status {};
    root.reset(openat(folder.fd(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return root.valid() && fstat(root.get(), &status) == 0 && status.st_dev == event.actor.root_device &&
           status.st_ino == event.actor.root_inode;
  };
  const auto folder = open_member("mnt", event.actor.mntns, event.time, same_root);
  if (!folder) return folder.error();
  return root;
}

Result<std::optional<PathObject>> ProcHost::object_at(const Event& event, const std::string& path) const {
  return patience_.within<std::optional<PathObject>>(
      [this, event, path]() -> Result<std::optional<PathObject>> {
        const auto root = open_root(event);
        if (!root) return root.error();
        return look_at(root->get(), path);
      });
}

Result<std::optional<SymlinkOnPath>> ProcHost::first_symlink(const Event& event,
                                                             const std::string& path) const {
  return patience_.within<std::optional<SymlinkOnPath>>(
      [this, event, path] { return find_link(event, path); });
}

Result<std::optional<SymlinkOnPath>> ProcHost::find_link(const Event& event, const std::string& path) const {
  auto root = open_root(event);
  // A mount namespace is made as a copy: from the same root directory, ours shows the same links, but for
  // mounts.
  const bool same_root =
      event.actor.root_device == own_root_device_ && event.actor.root_inode == own_root_inode_;
  const bool exact = root.has_value();
  if (!exact && same_root) root = FileDescriptor(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return root.error();
  auto found = find_symlink(root->get(), path);
  if (found && *found) (*found)->from_our_mounts = !exact;
  return found;
}

Result<PathTrace> ProcHost::trace_path(const Event& event, const std::string& path, bool follow) const {
  return patience_.within<PathTrace>([this, event, path, follow] { return walk_path(event, path, follow); });
}

Result<PathTrace> ProcHost::walk_path(const Event& event, const std::string& path, bool follow) const {
  const auto root = open_root(event);
  if (!root) return root.error();
  auto trace = PathWalk(root->get()).trace(path, follow);
  if (!trace) return trace;
  if (const auto folder = open_process(process_of(event))) {
    bool idmapped = false;
    const auto read = read_lines_at(folder->fd(), "mountinfo", kLongestTable, [&](std::string_view mounts) {
      idmapped = idmapped || any_idmapped(mounts, trace->mounts);
    });
    trace->idmapped = !read || idmapped;
  }
  return trace;
}

Result<Credentials> ProcHost::credentials(const Event& event) const {
  if (assumed_) return *assumed_;
  const auto folder = open_process(process_of(event));
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->fd(), fmt::format("task/{}/status", event.actor.tid));
  if (!text) return text.error();
  if (auto found = credentials_of(*text)) return std::move(*found);
  return make_error(std::errc::bad_message, "read the credentials in /proc/pid/status");
}

Result<std::vector<PortUse>> ProcHost::port_uses(const Event& event, std::uint16_t port, int protocol) const {
  const auto folder = open_process(process_of(event));
  if (!folder) return folder.error();
  if (!limit_.may_begin()) return too_often("/proc/net");
  const MonotonicTime began = clock_.monotonic();
  std::vector<PortUse> found;
  const std::string table = protocol == IPPROTO_UDP ? "net/udp" : "net/tcp";
  for (const std::string& file : {table, table + "6"}) {
    const auto read = read_lines_at(folder->fd(), file, kLongestTable,
                                    [&](std::string_view lines) { add_port_uses(lines, port, found); });
    if (!read && read.error().code == std::errc::file_too_large) {
      limit_.ended(began);
      return read.error();
    }
  }
  limit_.ended(began);
  return found;
}

Result<bool> ProcHost::knows_socket_named(const Event& event, const std::string& name) const {
  // A caller that is gone: ours, if it was in our network namespace; else that of another process in it.
  auto folder = open_process(process_of(event));
  if (!folder && event.actor.netns == own_netns_) folder = open_process({.tgid = 0});
  if (!folder)
    folder = open_member("net", event.actor.netns, event.time, [](const ProcessFolder&) { return true; });
  if (!folder) return folder.error();
  if (!limit_.may_begin()) return too_often("/proc/net/unix");
  const MonotonicTime began = clock_.monotonic();
  bool known = false;
  const auto read = read_lines_at(folder->fd(), "net/unix", kLongestTable, [&](std::string_view lines) {
    known = known || lists_socket_named(lines, name);
  });
  limit_.ended(began);
  if (known || read) return known;
  return read.error();
}

Result<Route> ProcHost::route(const Event& event, const SocketAddress& to) const {
  const auto folder = open_process(process_of(event));
  if (!folder) return folder.error();
  const FileDescriptor net(openat(folder->fd(), "ns/net", O_RDONLY | O_CLOEXEC));
  if (!net.valid()) return last_error("open /proc/pid/ns/net");
  return ask_route(net.get(), to, event.actor.uid);
}

Result<unsigned> ProcHost::cgroup_programs(const Event& event) const {
  if (cgroup2_root_.empty()) return make_error(std::errc::function_not_supported, "find cgroup2");
  const auto folder = open_process(process_of(event));
  if (!folder) return folder.error();
  const auto text = read_file_at(folder->fd(), "cgroup");
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
