#pragma once
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/process/process_view.hpp"

namespace sockward {

/// Opens folders of /proc that belong to one process for good: whatever is looked up through one of them is
/// about the same process. They are O_PATH descriptors. Thread-safe.
class ProcessFolders {
 public:
  /// `proc`: usually "/proc". Sees the processes of its pid namespace.
  explicit ProcessFolders(std::string proc) : proc_(std::move(proc)) {}

  const std::string& proc() const { return proc_; }
  /// /proc/pid of exactly this process. Error: it is gone, not visible, or the pid belongs to another one.
  Result<FileDescriptor> open(ProcessId process) const;
  /// /proc/pid/task/tid of the thread that made the call. Error: as above, or the thread has ended.
  Result<FileDescriptor> open_thread(const Event& event) const;
  /// The calling process's own.
  Result<FileDescriptor> open_own() const;
  /// The first process in a namespace that `wanted` accepts, if it is older than the call: the number of a
  /// namespace that is gone may be given to a new one, so a younger process proves nothing. `kind`: "mnt",
  /// "net". Cost: one pass over all processes.
  Result<FileDescriptor> open_member(const char* kind, NamespaceInode inode, MonotonicTime call,
                                     const std::function<bool(const FileDescriptor&)>& wanted) const;
  /// Did the owner of an open folder start before the call for sure?
  bool is_older(const FileDescriptor& folder, MonotonicTime call) const;

 private:
  std::string proc_;
  SystemClock clock_;
};

/// The namespace that the owner of an open /proc/pid or task folder lives in now. `kind`: "mnt", "net".
/// Error: it is gone.
Result<NamespaceInode> namespace_in(const FileDescriptor& folder, const char* kind);

}  // namespace sockward
