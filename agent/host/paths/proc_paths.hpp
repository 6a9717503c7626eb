#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/paths/caller_view.hpp"
#include "host/paths/mount_counter.hpp"
#include "host/paths/path_view.hpp"
#include "host/process/process_folders.hpp"
#include "host/time_limited_worker.hpp"

namespace sockward {

/// PathView on /proc. Looks at files for half a second at most: whatever hangs longer is "not visible".
/// Thread-safe.
class ProcPaths final : public PathView {
 public:
  /// `limit` decides about searches through all processes. `mount_events` may be null: nothing is known of
  /// changes of mounts then. All must outlive this object.
  ProcPaths(const ProcessFolders& processes, const MountEvents* mount_events, const Clock& clock,
            CpuBudget& limit)
      : views_(processes, clock, limit),
        processes_(processes),
        mount_counter_(processes.proc(), mount_events, clock, limit) {}

  Result<PathTrace> trace_path(const Event& event, const std::string& path, bool follow) const override;
  Result<std::optional<SymlinkOnPath>> first_symlink(const Event& event,
                                                     const std::string& path) const override;
  Result<MountPoint> mount_at(const Event& event, const std::string& path) const override;
  Result<std::optional<std::uint64_t>> mount_event(const Event& event) const override {
    return mount_counter_.read(event.actor.mntns);
  }
  Result<IdNames> id_names(const Event& event, const IdNumbers& wanted) const override;
  /// Of all that look at files.
  TimeLimitedWorker::GivenUp given_up() const { return worker_thread_.given_up(); }

 private:
  // What may hang, for a file system may: run under worker_thread_.
  Result<std::optional<SymlinkOnPath>> find_link(const Event& event, const std::string& path) const;
  Result<PathTrace> resolve(const Event& event, const std::string& path, bool follow) const;
  Result<MountPoint> find_mount(const Event& event, const std::string& path) const;
  bool may_be_idmapped(const Event& event, const CallerView& view, std::vector<std::uint64_t> mounts) const;

  const CallerViews views_;
  const ProcessFolders& processes_;
  const MountCounter mount_counter_;
  mutable TimeLimitedWorker worker_thread_{std::chrono::milliseconds(500)};
};

}  // namespace sockward
