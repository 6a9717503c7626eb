#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "host/paths/path_view.hpp"

namespace sockward {

/// A socket file on disk, whether or not anybody serves it.
struct FoundSocketFile {
  std::string path;  ///< below the root that was searched; raw bytes
  PathObject object;
};

/// What a search found, and whether it could look everywhere.
struct SocketFileSearch {
  std::vector<FoundSocketFile> files;
  std::size_t entries = 0;  ///< directory entries looked at
  bool cut = false;         ///< it ended early: too many entries, or the deadline
};

/// Searches folders below a root (an O_PATH descriptor) for socket files, six levels deep. Follows no
/// symbolic link, leaves network file systems out, and ends at `until` or after 200,000 entries.
SocketFileSearch find_socket_files(int root, const std::vector<std::string>& folders,
                                   std::chrono::steady_clock::time_point until);

}  // namespace sockward
