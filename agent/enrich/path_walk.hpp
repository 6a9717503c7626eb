#pragma once
#include <deque>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "enrich/host_view.hpp"

namespace sockward {

/// Walks along a path below a root as the kernel does (path_resolution(7)), with our own privileges, and
/// notes every directory that is searched. Opens with O_PATH only; no link leads out of the root.
class PathWalk {
 public:
  explicit PathWalk(int root) : root_(root) {}

  /// `path` is absolute. Error: a component cannot be looked at, even by us.
  Result<PathTrace> trace(const std::string& path, bool follow);

 private:
  void push_components(const std::string& path);
  std::string joined(const std::string& name) const;
  Result<bool> step(const std::string& name, bool last, bool follow);
  Result<bool> note_directory();

  int root_;
  std::vector<std::string> here_;  // components of the directory we are in
  std::deque<std::string> ahead_;  // components still to go
  PathTrace trace_;
};

}  // namespace sockward
