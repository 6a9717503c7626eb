#pragma once
#include <fcntl.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sockward {

/// The text of a file below an open folder (AT_FDCWD: any path), `limit` bytes of it or a little more. A file
/// of /proc can fail in the middle of being read, when its process ends: that is an error here, where
/// std::ifstream and its iterators throw. Thread-safe.
Result<std::string> read_file_at(int folder, const std::string& name,
                                 std::size_t limit = std::size_t{256} << 10);

/// Its lines, in pieces of many whole ones, in little memory. Error std::errc::file_too_large: it is longer
/// than `most` bytes. For what is searched: of a part nobody can say that something is not there.
/// Thread-safe.
Result<bool> read_lines_at(int folder, const std::string& name, std::size_t most,
                           const std::function<void(std::string_view)>& take);

/// Some of it by its path.
inline Result<std::string> read_file(const std::string& path, std::size_t limit = std::size_t{16} << 20) {
  return read_file_at(AT_FDCWD, path, limit);
}

}  // namespace sockward
