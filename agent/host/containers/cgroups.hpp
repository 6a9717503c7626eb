#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/file_descriptor.hpp"
#include "event/cgroup_hierarchy.hpp"
#include "host/containers/names/container_names.hpp"
#include "host/process/process_view.hpp"
#include "record/context.hpp"

namespace sockward {

/// Where the cgroup hierarchies are mounted.
struct CgroupMounts {
  CgroupHierarchy hierarchy = CgroupHierarchy::v2;
  std::string root;     ///< where that one is mounted; empty: nowhere
  std::string v2_root;  ///< cgroup2, for programs attached to cgroups; empty: not mounted

  /// As /proc/pid/cgroup names it: "", "pids", "memory".
  std::string controller() const;
};

/// Picks the hierarchy from the text of /proc/self/mountinfo: v2 if it carries pids or memory
/// (`v2_controllers`: the content of its cgroup.controllers), else v1 pids, else v1 memory, else v2. Pure.
CgroupMounts choose_hierarchy(std::string_view mountinfo, std::string_view v2_controllers);
/// The same for this host.
CgroupMounts find_cgroup_mounts();

/// What a cgroup's id stands for.
struct KnownContainer {
  ContainerIdentity identity;
  std::optional<SystemdUnit> unit;
  std::string cgroup_path;
};

/// Resolves container keys (cgroup ids) and remembers them. Thread-safe. Bounded: of `capacity` the half that
/// was asked for last is always known. A runtime may write a container's names after it has started it: they
/// are looked for again, eight times in about a minute.
class ContainerDirectory {
 public:
  /// `processes` are asked when the cgroup is gone but the process is not; they must outlive this object.
  /// `node_root`: where the node's files are.
  ContainerDirectory(const CgroupMounts& mounts, const ProcessView& processes, std::size_t capacity = 1024,
                     const std::string& node_root = "/proc/1/root");

  /// Remembers the path of a cgroup that has just made a call: a service that fails ends, and systemd removes
  /// its cgroup within milliseconds. Reads no file and waits for nobody: where find() is at work it does
  /// nothing.
  void note(std::uint64_t key);
  /// nullopt: the cgroup is gone and was never seen.
  std::optional<KnownContainer> find(std::uint64_t key, std::optional<ProcessId> process = std::nullopt);
  /// Does the cgroup exist now? True also when that is not known.
  bool exists(std::uint64_t key) const;
  /// Looks for names that the disk did not answer in time.
  TimeLimitedWorker::GivenUp given_up() const { return namer_.given_up(); }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    KnownContainer container;
    unsigned tries = 0;        ///< looks for names that did not find them all
    Time look_again = Time{};  ///< the next one, if any is left
    bool complete = false;
  };
  std::optional<std::string> path_of(std::uint64_t key) const;
  static Entry entry_of(std::string path);
  Entry& remember(std::uint64_t key, Entry entry);
  void look_for_names(Entry& entry);

  FileDescriptor root_;
  std::string root_path_;
  const ProcessView& processes_;
  std::size_t capacity_;
  ContainerNamer namer_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> known_, previous_;  // half of the capacity each
};

}  // namespace sockward
