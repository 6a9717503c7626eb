#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "base/file_descriptor.hpp"
#include "delivery/delivery_counts.hpp"

namespace sockward {

struct FileLimits {
  /// The file is rotated before it exceeds this size; 0: never.
  std::uint64_t largest_bytes = std::uint64_t{64} << 20;
  unsigned kept = 5;  ///< file.1 (the newest) to file.N
};

/// Lines in a file that rotates by itself: file -> file.1 -> … A full disk costs lines, which are counted;
/// the next one is tried again. Used by one thread, but for reopen().
class RotatingFile {
 public:
  /// Throws StartupError when the file cannot be opened. `counts` must outlive it.
  RotatingFile(std::string path, FileLimits limits, DeliveryCounts& counts);

  /// Buffers the line; flush() writes it, or a full buffer does.
  void add_line(const std::string& line);
  void flush();
  /// The file was moved away (logrotate): the next line opens it again. From any thread.
  void reopen() { reopen_ = true; }

 private:
  bool open();
  void rotate();
  void count_partly_written(std::size_t written);

  const std::string path_;
  const FileLimits limits_;
  DeliveryCounts& counts_;
  FileDescriptor file_;
  std::uint64_t size_ = 0, lines_ = 0;
  std::string buffer_;
  std::atomic<bool> reopen_{false};
};

}  // namespace sockward
