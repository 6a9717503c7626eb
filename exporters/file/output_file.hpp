#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sockward {

/// Buffers records as text for one file descriptor that it does not own. Used by one thread.
class OutputFile {
 public:
  explicit OutputFile(int fd) : fd_(fd) {}

  /// false: the reader has gone; the record is not taken.
  bool add_line(const std::string& line);
  /// Writes what is buffered. false: it could not be written (and is dropped).
  bool flush();
  /// Records that were taken and then dropped, since this was last asked.
  std::uint64_t take_lost() { return std::exchange(lost_, 0); }

 private:
  void drop_behind(std::size_t written);

  static constexpr std::size_t kBuffer = 64 * 1024;
  int fd_;
  std::string buffer_;
  std::vector<std::size_t> ends_;  // of the records in it
  std::uint64_t lost_ = 0;
  bool broken_ = false, torn_ = false;  // torn: the last record was written in part
};

}  // namespace sockward
