#pragma once
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/file_descriptor.hpp"
#include "enrich/host_view.hpp"
#include "enrich/patience.hpp"
#include "enrich/socket_walks.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// HostView on /proc and the kernel's iterators. Looks at files for half a second at most: whatever hangs
/// longer is "not visible". Sees the pid namespace of the /proc it is given.
class ProcHost final : public HostView {
 public:
  /// `proc`: usually "/proc". `controller`: as in /proc/pid/cgroup, "" for v2, "pids" or "memory" for v1.
  /// `uts` and `sockets` may be null: then what they know is not visible. Both must outlive this object.
  /// `walk_bytes`: of one walk; SocketList::kUnbounded: for a single question, whose look-ups are not
  /// rationed either.
  ProcHost(std::string proc, std::string controller, const UtsNames* uts,
           const BoundSockets* sockets = nullptr, std::string cgroup2_root = "",
           std::size_t walk_bytes = SocketWalks::kMostBytes);

  Result<std::string> executable(ProcessId process) const override;
  Result<std::vector<std::string>> arguments(ProcessId process) const override;
  Result<std::string> cgroup_path(ProcessId process) const override;
  Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const override;
  Result<std::shared_ptr<const SocketScan>> sockets(MonotonicTime time, Walk walk) const override;
  Result<std::shared_ptr<const SocketScan>> sockets_before(MonotonicTime time) const override;
  void look_around() const override { walks_.look_around(); }
  Omissions omissions() const override { return {walks_.left_out(), limit_.refused()}; }
  std::optional<SocketOwner> binder(const BoundName& name) const override;
  Result<std::optional<PathObject>> object_at(const Event& event, const std::string& path) const override;
  Result<std::optional<SymlinkOnPath>> first_symlink(const Event& event,
                                                     const std::string& path) const override;
  Result<PathTrace> trace_path(const Event& event, const std::string& path, bool follow) const override;
  Result<Credentials> credentials(const Event& event) const override;
  Result<std::vector<PortUse>> port_uses(const Event& event, std::uint16_t port, int protocol) const override;
  Result<bool> knows_socket_named(const Event& event, const std::string& name) const override;
  Result<Route> route(const Event& event, const SocketAddress& to) const override;
  Result<unsigned> cgroup_programs(const Event& event) const override;
  WallTime wall(MonotonicTime time) const override { return clock_.wall(time); }
  /// From now on credentials() answers this, whoever is asked about: what would another user get?
  void assume(Credentials credentials) { assumed_ = std::move(credentials); }

 private:
  /// The root directory of the caller, to look names up below it.
  Result<FileDescriptor> open_root(const Event& event) const;
  // What may hang, for a file system may: run under patience_.
  Result<std::optional<SymlinkOnPath>> find_link(const Event& event, const std::string& path) const;
  Result<PathTrace> walk_path(const Event& event, const std::string& path, bool follow) const;
  Result<class ProcessFolder> open_member(
      const char* kind, NamespaceInode inode, MonotonicTime call,
      const std::function<bool(const class ProcessFolder&)>& wanted) const;
  Result<FileDescriptor> open_root_of_neighbour(const Event& event) const;
  /// An open /proc/pid folder of exactly this process: every later look-up through it is of the same one.
  Result<class ProcessFolder> open_process(ProcessId process) const;

  std::string proc_, controller_, cgroup2_root_;
  const UtsNames* uts_;
  std::optional<Credentials> assumed_;
  SystemClock clock_;
  NamespaceInode own_mntns_ = 0, own_netns_ = 0;
  std::uint64_t own_root_device_ = 0, own_root_inode_ = 0;
  mutable DutyLimit limit_;  // of walks_ and of searches in /proc/net
  SocketWalks walks_;
  mutable Patience patience_{std::chrono::milliseconds(500)};
};

/// Start time of a process in clock ticks since boot, from the text of /proc/pid/stat (proc(5), field 22).
/// nullopt: not such a text. The command in it may hold spaces, parentheses and newlines.
std::optional<std::uint64_t> start_ticks_of(std::string_view stat_text);
/// Is one of these mounts idmapped, by the text of /proc/pid/mountinfo? (fs/proc_namespace.c, show_mountinfo)
bool any_idmapped(std::string_view mountinfo, const std::vector<std::uint64_t>& mounts);
/// File-system ids and groups from the text of /proc/pid/status (proc(5): Uid, Gid, Groups). nullopt: not
/// such a text.
std::optional<Credentials> credentials_of(std::string_view status_text);
/// The path of one controller's cgroup from the text of /proc/pid/cgroup. "" names the v2 hierarchy.
std::optional<std::string> cgroup_of(std::string_view cgroup_text, std::string_view controller);

}  // namespace sockward
