#pragma once
#include <string>
#include <vector>

#include "event/event.hpp"

namespace sockward {

/// Socket files and abstract names that programs ask for in vain as a matter of course
/// (records.ignore_paths).
class IgnoredPaths {
 public:
  IgnoredPaths() = default;
  /// Each an absolute path or @ and an abstract name, or one that ends in /*: everything below it.
  explicit IgnoredPaths(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  /// Is it a connect to one of them that failed because nobody serves it (ENOENT, ENOTDIR, ECONNREFUSED), or
  /// because its server is busy (EAGAIN)? A bind is never: whoever serves such a path wants to know.
  bool cover(const Event& event) const;

 private:
  std::vector<std::string> paths_;
};

}  // namespace sockward
