#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "host/host_view.hpp"
#include "host/network/proc_network.hpp"
#include "host/paths/mount_counter.hpp"
#include "host/paths/proc_paths.hpp"
#include "host/process/proc_text.hpp"
#include "host/process/process_folders.hpp"
#include "host/sockets/socket_scans.hpp"
#include "kernel/mount_events.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// HostView on /proc and the kernel's iterators: one part for each kind of question. Sees the pid namespace
/// of the /proc it is given. Thread-safe.
class ProcHost final : public HostView {
 public:
  /// `proc`: usually "/proc". `controller`: as in /proc/pid/cgroup, "" for v2, "pids" or "memory" for v1.
  /// `uts`, `sockets` and `mount_events` may be null: then what they know is not visible. All must outlive
  /// this object. `walk_bytes`: of one socket scan; SocketList::kUnbounded: for a single question, whose
  /// look-ups have no CPU budget either.
  ProcHost(std::string proc, std::string controller, const UtsNames* uts,
           const BoundSockets* sockets = nullptr, const MountEvents* mount_events = nullptr,
           std::string cgroup2_root = "", std::size_t walk_bytes = SocketScans::kMostBytes);

  Result<std::string> executable(ProcessId process) const override;
  Result<std::vector<std::string>> arguments(ProcessId process) const override;
  Result<std::string> cgroup_path(ProcessId process) const override;
  Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const override;
  Result<NamespaceInode> mount_namespace(ProcessId process) const override;
  Result<Credentials> credentials(const Event& event) const override;
  Result<unsigned> cgroup_programs(const Event& event) const override;

  Result<std::shared_ptr<const SocketScan>> sockets(MonotonicTime time, Scan scan) const override {
    return scans_.after(time, scan == Scan::shared);
  }
  Result<std::shared_ptr<const SocketScan>> sockets_before(MonotonicTime time) const override {
    return scans_.before(time);
  }
  /// Also checks the clock, so that clock_set_since() dates a change well.
  void refresh_socket_scan() const override;
  Result<bool> note_released() const override { return scans_.note_released(); }
  Omissions omissions() const override;
  std::optional<SocketOwner> binder(const BoundName& name) const override { return scans_.binder(name); }

  Result<std::optional<PathObject>> object_at(const Event& event, const std::string& path) const override {
    return paths_.object_at(event, path);
  }
  Result<std::optional<SymlinkOnPath>> first_symlink(const Event& event,
                                                     const std::string& path) const override {
    return paths_.first_symlink(event, path);
  }
  Result<PathTrace> trace_path(const Event& event, const std::string& path, bool follow) const override {
    return paths_.trace_path(event, path, follow);
  }
  Result<MountPoint> mount_at(const Event& event, const std::string& path) const override {
    return paths_.mount_at(event, path);
  }
  Result<IdNames> id_names(const Event& event, std::uint32_t uid, std::uint32_t gid) const override {
    return paths_.id_names(event, uid, gid);
  }
  Result<std::optional<std::uint64_t>> mount_event(const Event& event) const override {
    return mount_counter_.read(event.actor.mntns);
  }

  Result<std::vector<PortUse>> port_uses(const Event& event, std::uint16_t port,
                                         int protocol) const override {
    return network_.port_uses(event, port, protocol);
  }
  Result<bool> knows_socket_named(const Event& event, const std::string& name) const override {
    return network_.knows_socket_named(event, name);
  }
  Result<Route> route(const Event& event, const SocketAddress& to) const override {
    return network_.route(event, to);
  }
  Result<std::vector<NetworkInterface>> interfaces(const Event& event) const override {
    return network_.interfaces(event);
  }
  Result<std::optional<KnownConnection>> connection(const Event& event, const SocketAddress& local,
                                                    const SocketAddress& remote) const override {
    return network_.connection(event, local, remote);
  }

  bool clock_set_since(MonotonicTime time) const override { return clock_watch_.set_since(time); }
  WallTime wall(MonotonicTime time) const override { return clock_.wall(time); }
  /// From now on credentials() answers this, whoever is asked about: what would another user get?
  void assume(Credentials credentials) { assumed_ = std::move(credentials); }

 private:
  const std::string controller_, cgroup2_root_;
  const UtsNames* uts_;
  std::optional<Credentials> assumed_;
  const SystemClock clock_;
  const ClockWatch clock_watch_;
  const ProcessFolders processes_;
  mutable CpuBudget limit_;  // of everything below
  const SocketScans scans_;
  const MountCounter mount_counter_;
  const ProcPaths paths_;
  const ProcNetwork network_;
};

}  // namespace sockward
