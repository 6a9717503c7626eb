#pragma once
#include <deque>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/paths/path_view.hpp"

namespace sockward {

/// Resolves a path below a root as the kernel does (path_resolution(7)), with our own privileges, and notes
/// every directory that is searched. Opens with O_PATH only; no link leads out of the root. For one path.
class PathWalk {
 public:
  /// `root`: an open directory.
  explicit PathWalk(int root) : root_(root) {}

  /// `path` is absolute. `follow`: also a link at its end. Fills all of the trace but callers_view (false
  /// only where a link of /proc was followed, whose target depends on who asks) and idmapped. Error: a
  /// component cannot be looked at, even by us.
  Result<PathTrace> trace(const std::string& path, bool follow);

 private:
  enum class Going { on, ended };
  void push_components(const std::string& path);
  std::string joined(const std::string& name) const;
  Result<Going> step(const std::string& name, bool last, bool follow);
  Result<Going> follow_link(const std::string& name, const FileDescriptor& link, const std::string& target,
                            bool last);
  Result<Going> note_object(const std::string& name, const FileDescriptor& object, bool last);
  Going note_missing(const std::string& name, bool last);
  Result<bool> note_directory();

  int root_;
  std::vector<std::string> here_;  // components of the directory we are in
  std::deque<std::string> ahead_;  // components still to go
  bool directory_wanted_ = false;  // the path ends in a slash or a dot: a directory must lie there
  bool behind_last_link_ = false;  // a link at the end of the path was followed
  PathTrace trace_;
};

}  // namespace sockward
