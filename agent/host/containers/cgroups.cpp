#include "host/containers/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <sstream>
#include <utility>

#include "base/read_file.hpp"
#include "host/containers/container_path.hpp"
#include "host/paths/mountinfo.hpp"

namespace sockward {
namespace {

constexpr int kFileidKernfs = 0xfe;  // include/linux/exportfs.h, since 5.5

/// A struct file_handle that holds a kernfs id.
struct KernfsHandle {
  alignas(file_handle) char bytes[sizeof(file_handle) + sizeof(std::uint64_t)] = {};

  explicit KernfsHandle(std::uint64_t id) {
    get()->handle_bytes = sizeof(id);
    get()->handle_type = kFileidKernfs;
    std::memcpy(get()->f_handle, &id, sizeof(id));
  }
  file_handle* get() { return reinterpret_cast<file_handle*>(bytes); }
};

bool has_word(std::string_view text, std::string_view wanted) {
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;)
    if (word == wanted) return true;
  return false;
}

std::string read_text(const std::string& path) {
  auto text = read_file(path);
  return text ? std::move(*text) : std::string();
}

}  // namespace

std::string CgroupMounts::controller() const {
  return hierarchy == CgroupHierarchy::v1_pids     ? "pids"
         : hierarchy == CgroupHierarchy::v1_memory ? "memory"
                                                   : "";
}

CgroupMounts choose_hierarchy(std::string_view mountinfo, std::string_view v2_controllers) {
  std::string v2, pids, memory;
  for_each_mount(mountinfo, [&](const MountLine& mount) {
    if (mount.type == "cgroup2" && v2.empty()) v2 = mount.point;
    if (mount.type == "cgroup" && mount.has_super_option("pids")) pids = mount.point;
    if (mount.type == "cgroup" && mount.has_super_option("memory")) memory = mount.point;
  });
  using Kind = CgroupHierarchy;
  // A hybrid host may leave a controller or two to v2 (hugetlb, say); these two are what runtimes set up
  // everywhere.
  const bool v2_carries = has_word(v2_controllers, "pids") || has_word(v2_controllers, "memory");
  if (!v2.empty() && v2_carries) return {Kind::v2, v2, v2};
  if (!pids.empty()) return {Kind::v1_pids, pids, v2};
  if (!memory.empty()) return {Kind::v1_memory, memory, v2};
  return {Kind::v2, v2, v2};
}

CgroupMounts find_cgroup_mounts() {
  const std::string mountinfo = read_text("/proc/self/mountinfo");
  const std::string v2_root = choose_hierarchy(mountinfo, "").v2_root;
  return choose_hierarchy(mountinfo, v2_root.empty() ? "" : read_text(v2_root + "/cgroup.controllers"));
}

ContainerDirectory::ContainerDirectory(const CgroupMounts& mounts, const ProcessView& processes,
                                       std::size_t capacity, const std::string& node_root)
    : root_path_(mounts.root), processes_(processes), capacity_(capacity), namer_(node_root) {
  if (!root_path_.empty()) root_.reset(open(root_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::optional<std::string> ContainerDirectory::path_of(std::uint64_t key) const {
  if (!root_.valid()) return std::nullopt;
  KernfsHandle handle(key);
  const FileDescriptor folder(open_by_handle_at(root_.get(), handle.get(), O_PATH | O_CLOEXEC));
  if (!folder.valid()) return std::nullopt;
  char target[4096];
  const ssize_t bytes =
      readlink(fmt::format("/proc/self/fd/{}", folder.get()).c_str(), target, sizeof(target));
  if (bytes <= 0) return std::nullopt;
  std::string path(target, static_cast<std::size_t>(bytes));
  if (path.starts_with(root_path_)) path.erase(0, root_path_.size());
  return path.empty() ? "/" : path;
}

bool ContainerDirectory::exists(std::uint64_t key) const {
  if (!root_.valid()) return true;
  KernfsHandle handle(key);
  const FileDescriptor folder(open_by_handle_at(root_.get(), handle.get(), O_PATH | O_CLOEXEC));
  return folder.valid() || (errno != ESTALE && errno != ENOENT);
}

std::optional<KnownContainer> ContainerDirectory::find(std::uint64_t key, std::optional<ProcessId> process) {
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(key); found != known_.end()) {
    look_for_names(found->second);
    return found->second.container;
  }
  if (auto previous = previous_.extract(key); !previous.empty()) {
    Entry& entry = remember(key, std::move(previous.mapped()));
    look_for_names(entry);
    return entry.container;
  }
  auto path = path_of(key);
  if (!path && process)
    if (auto from_process = processes_.cgroup_path(*process)) path = std::move(*from_process);
  if (!path) return std::nullopt;
  Entry& entry = remember(key, entry_of(std::move(*path)));
  look_for_names(entry);
  return entry.container;
}

void ContainerDirectory::note(std::uint64_t key) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || known_.contains(key) || previous_.contains(key)) return;
  if (auto path = path_of(key)) remember(key, entry_of(std::move(*path)));
}

ContainerDirectory::Entry ContainerDirectory::entry_of(std::string path) {
  Entry entry;
  entry.container = {
      .identity = container_from_cgroup(path), .unit = unit_from_cgroup(path), .cgroup_path = {}};
  entry.container.cgroup_path = std::move(path);
  return entry;
}

void ContainerDirectory::look_for_names(Entry& entry) {
  constexpr unsigned kTries = 8;
  constexpr std::chrono::milliseconds kFirst{250};
  if (entry.complete || entry.tries == kTries) return;
  const Time now = std::chrono::steady_clock::now();
  if (now < entry.look_again) return;
  entry.complete = namer_.fill_names(entry.container.identity, entry.container.cgroup_path);
  entry.look_again = now + kFirst * (1u << entry.tries++);
}

ContainerDirectory::Entry& ContainerDirectory::remember(std::uint64_t key, Entry entry) {
  if (known_.size() >= capacity_ / 2) previous_ = std::exchange(known_, {});
  return known_.emplace(key, std::move(entry)).first->second;
}

}  // namespace sockward
