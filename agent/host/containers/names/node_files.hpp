#pragma once
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"

namespace sockward {

/// Files of the node that the agent runs on, also when the agent itself runs in a container: below the root
/// of process 1. No symbolic link leads out of it. Thread-safe; a dead disk can hang each call.
class NodeFiles {
 public:
  /// `root`: another folder, for tests.
  explicit NodeFiles(const std::string& root = "/proc/1/root");

  /// The whole text of a regular file. Error: it cannot be read, is none, or is longer than `limit` bytes.
  Result<std::string> read(const std::string& path, std::size_t limit = std::size_t{4} << 20) const;
  /// Names in a folder, `.` and `..` not, 100,000 at most. Empty: there is none.
  std::vector<std::string> list(const std::string& path) const;

 private:
  FileDescriptor open(const std::string& path, int flags) const;

  FileDescriptor root_;
};

}  // namespace sockward
