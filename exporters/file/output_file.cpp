#include "file/output_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sockward {

bool OutputFile::add_line(const std::string& line) {
  if (broken_) return false;
  if (std::exchange(torn_, false)) buffer_ += '\n';
  buffer_ += line;
  buffer_ += '\n';
  ends_.push_back(buffer_.size());
  if (buffer_.size() >= kBuffer) flush();
  return true;
}

void OutputFile::drop_behind(std::size_t written) {
  const auto whole = std::upper_bound(ends_.begin(), ends_.end(), written);
  lost_ += static_cast<std::uint64_t>(ends_.end() - whole);
  torn_ = written == 0 ? buffer_.front() == '\n' : buffer_[written - 1] != '\n';
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
  if (!whole) drop_behind(done);
  buffer_.clear();
  ends_.clear();
  return whole;
}

}  // namespace sockward
