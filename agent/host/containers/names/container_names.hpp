#pragma once
#include <string>
#include <string_view>

#include "host/containers/names/node_files.hpp"
#include "host/time_limited_worker.hpp"
#include "record/context.hpp"

namespace sockward {

/// Finds what people call a container, in the files that its runtime and the kubelet leave on the node; no
/// daemon is asked. Thread-safe. Waits for the disk 100 ms at most.
class ContainerNamer {
 public:
  /// `root`: of the node's files; another folder for tests.
  explicit ContainerNamer(const std::string& root = "/proc/1/root");

  /// Fills in the names. False: something of them is not known, perhaps not yet. A name comes from a file
  /// that root or, of rootless containers, their user wrote: it is shortened to 253 bytes, and may be any.
  bool fill_names(ContainerIdentity& container, const std::string& cgroup_path);
  TimeLimitedWorker::GivenUp given_up() const { return worker_.given_up(); }

 private:
  std::shared_ptr<const NodeFiles> node_;
  TimeLimitedWorker worker_;
};

}  // namespace sockward
