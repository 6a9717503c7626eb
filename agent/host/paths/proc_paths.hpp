#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/host_view.hpp"
#include "host/paths/caller_view.hpp"
#include "host/process/process_folders.hpp"
#include "host/time_limited_worker.hpp"

namespace sockward {

/// Answers the questions of HostView about files, as the caller of an event saw them. Looks at files for half
/// a second at most: whatever hangs longer is "not visible". Thread-safe.
class ProcPaths {
 public:
  /// `limit` decides about searches through all processes. All must outlive this object.
  ProcPaths(const ProcessFolders& processes, const Clock& clock, CpuBudget& limit)
      : views_(processes, clock, limit), processes_(processes) {}

  // As in HostView.
  Result<std::optional<PathObject>> object_at(const Event& event, const std::string& path) const;
  Result<std::optional<SymlinkOnPath>> first_symlink(const Event& event, const std::string& path) const;
  Result<PathTrace> trace_path(const Event& event, const std::string& path, bool follow) const;
  Result<MountPoint> mount_at(const Event& event, const std::string& path) const;
  Result<IdNames> id_names(const Event& event, std::uint32_t uid, std::uint32_t gid) const;
  /// Of all these.
  TimeLimitedWorker::GivenUp given_up() const { return worker_thread_.given_up(); }

 private:
  // What may hang, for a file system may: run under worker_thread_.
  Result<std::optional<SymlinkOnPath>> find_link(const Event& event, const std::string& path) const;
  Result<PathTrace> resolve(const Event& event, const std::string& path, bool follow) const;
  Result<MountPoint> find_mount(const Event& event, const std::string& path) const;
  bool may_be_idmapped(const Event& event, const CallerView& view, std::vector<std::uint64_t> mounts) const;

  const CallerViews views_;
  const ProcessFolders& processes_;
  mutable TimeLimitedWorker worker_thread_{std::chrono::milliseconds(500)};
};

}  // namespace sockward
