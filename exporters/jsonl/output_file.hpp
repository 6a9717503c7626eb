#pragma once
#include <string>

namespace sockward {

/// Buffers lines for one file descriptor that it does not own. Used by one thread.
class OutputFile {
 public:
  explicit OutputFile(int fd) : fd_(fd) {}

  /// false: an earlier write failed; the line is not taken.
  bool add_line(const std::string& line);
  /// Writes what is buffered. false: it could not be written (and is dropped).
  bool flush();

 private:
  static constexpr std::size_t kBuffer = 64 * 1024;
  int fd_;
  std::string buffer_;
  bool broken_ = false;
};

}  // namespace sockward
