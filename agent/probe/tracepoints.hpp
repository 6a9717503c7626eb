#pragma once
#include <string>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"

namespace sockward {

/// Finds the ids of kernel tracepoints. Uses tracefs where it is mounted; where it is not, a mount of its own
/// that no process can see (fsopen(2), fsmount(2), Linux 5.2), so the host's mount table is left alone.
class Tracepoints {
 public:
  /// Error: no tracefs can be had (not in the kernel, or no CAP_SYS_ADMIN to mount it).
  static Result<Tracepoints> open();

  /// Id for perf_event_open(2) of e.g. "syscalls/sys_exit_bind". ENOENT: this kernel has no such tracepoint.
  Result<int> id_of(const std::string& name) const;

 private:
  explicit Tracepoints(FileDescriptor events) : events_(std::move(events)) {}
  FileDescriptor events_;  // the folder events/
};

}  // namespace sockward
