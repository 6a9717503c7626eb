#include "jsonl/output_file.hpp"

#include <unistd.h>

#include <cerrno>

namespace sockward {

bool OutputFile::add_line(const std::string& line) {
  if (broken_) return false;
  buffer_ += line;
  buffer_ += '\n';
  return buffer_.size() < kBuffer || flush();
}

bool OutputFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t bytes = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) {
      broken_ = errno == EPIPE;  // the reader has gone; anything else (a full disk) may pass
      break;
    }
    done += static_cast<std::size_t>(bytes);
  }
  const bool whole = done == buffer_.size();
  buffer_.clear();
  return whole;
}

}  // namespace sockward
