#include "file/rotating_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

constexpr std::size_t kBuffer = std::size_t{64} * 1024;

/// All of it, or what was written of it.
std::size_t write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t bytes = ::write(fd, text.data() + done, text.size() - done);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    done += static_cast<std::size_t>(bytes);
  }
  return done;
}

}  // namespace

RotatingFile::RotatingFile(std::string path, FileLimits limits, DeliveryCounts& counts)
    : path_(std::move(path)), limits_(limits), counts_(counts) {
  if (!open())
    throw failure(last_error("open records.file " + path_).text(), "check the folder and its permissions");
}

bool RotatingFile::open() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  struct stat status {};
  size_ = file_.valid() && fstat(file_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return file_.valid();
}

void RotatingFile::rotate() {
  for (unsigned n = limits_.kept; n > 0; --n) {
    const std::string from = n == 1 ? path_ : path_ + "." + std::to_string(n - 1);
    (void)std::rename(from.c_str(), (path_ + "." + std::to_string(n)).c_str());
  }
  if (limits_.kept == 0) (void)unlink(path_.c_str());
  (void)open();
}

void RotatingFile::add_line(const std::string& line) {
  buffer_ += line;
  buffer_ += '\n';
  ++lines_;
  if (buffer_.size() >= kBuffer) flush();
}

void RotatingFile::flush() {
  if (buffer_.empty()) return;
  if (reopen_.exchange(false) || !file_.valid()) (void)open();
  if (limits_.largest_bytes != 0 && size_ != 0 && size_ + buffer_.size() > limits_.largest_bytes) rotate();
  const std::size_t written = file_.valid() ? write_all(file_.get(), buffer_) : 0;
  size_ += written;
  if (written == buffer_.size())
    counts_.delivered += lines_;
  else
    count_partly_written(written);
  buffer_.clear();
  lines_ = 0;
}

/// What was written of a line is taken back, so that the next one begins a line of its own.
void RotatingFile::count_partly_written(std::size_t written) {
  const Error why = last_error("write to " + path_);
  const std::size_t last = buffer_.rfind('\n', written == 0 ? 0 : written - 1);
  const std::size_t whole = written == 0 || last == std::string::npos ? 0 : last + 1;
  if (whole != written && ftruncate(file_.get(), static_cast<off_t>(size_ - (written - whole))) == 0)
    size_ -= written - whole;
  const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(whole);
  const auto kept = static_cast<std::uint64_t>(std::count(buffer_.begin(), end, '\n'));
  if (counts_.errors++ == 0) log_warn("{}", why.text());
  counts_.delivered += kept;
  counts_.dropped += lines_ - kept;
}

}  // namespace sockward
