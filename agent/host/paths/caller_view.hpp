#pragma once
#include <deque>
#include <mutex>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/cpu_budget.hpp"
#include "host/process/process_folders.hpp"

namespace sockward {

/// What the caller of an event saw of the file system.
struct CallerView {
  FileDescriptor root;     ///< O_PATH: its root directory, to look names up below it
  FileDescriptor process;  ///< a folder of /proc whose mountinfo is that of this view
  /// The mount namespace and the root directory are those of the record: not only what a process that may
  /// have changed them since has now.
  bool exact = false;
};

/// Opens the caller's view of the file system for events. Thread-safe.
class CallerViews {
 public:
  /// `limit` decides about searches through all processes. All must outlive this object.
  CallerViews(const ProcessFolders& processes, const Clock& clock, CpuBudget& limit);

  /// The view of the calling thread; else of its leader; else of another process that lives in the same mount
  /// namespace and has the same root directory (the caller of a container is often gone before it can be
  /// looked at, its siblings are not); else our own, if it is that one. When none is that of the record: what
  /// the caller has by now, not exact. Error: the caller is gone, and no other process has its view or
  /// the limit has refused to search.
  Result<CallerView> open(const Event& event) const;
  /// Our own root directory is that of the caller, whatever its mount namespace.
  bool has_our_root(const Event& event) const;
  NamespaceInode own_mount_namespace() const { return own_mntns_; }
  NamespaceInode own_user_namespace() const { return own_userns_; }

 private:
  Result<CallerView> open_sibling(const Event& event) const;
  Result<CallerView> open_known_sibling(const Event& event) const;
  void remember_sibling(const FileDescriptor& process) const;
  bool is_ours(const Event& event) const;

  const ProcessFolders& processes_;
  const Clock& clock_;
  CpuBudget& limit_;
  NamespaceInode own_mntns_ = 0, own_userns_ = 0;
  std::uint64_t own_root_device_ = 0, own_root_inode_ = 0;
  mutable std::mutex mutex_;
  mutable std::deque<FileDescriptor> siblings_;  // their folders of /proc; found last comes last
};

}  // namespace sockward
