#include "jsonl/rotating_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

JsonFileSink::JsonFileSink(std::string path, FileLimits limits, Resource resource, CommandArgs arguments,
                           DeliveryCounts& counts)
    : path_(std::move(path)),
      limits_(limits),
      resource_(std::move(resource)),
      arguments_(arguments),
      counts_(counts) {
  if (!open())
    throw failure(last_error("open records.file " + path_).text(), "check the folder and its permissions");
}

bool JsonFileSink::open() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  struct stat status {};
  size_ = file_.valid() && fstat(file_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return file_.valid();
}

void JsonFileSink::rotate() {
  for (unsigned n = limits_.kept; n > 0; --n) {
    const std::string from = n == 1 ? path_ : path_ + "." + std::to_string(n - 1);
    (void)std::rename(from.c_str(), (path_ + "." + std::to_string(n)).c_str());
  }
  if (limits_.kept == 0) (void)unlink(path_.c_str());
  (void)open();
}

bool JsonFileSink::write(const Record& record) {
  buffer_ += to_json(record, resource_, arguments_);
  buffer_ += '\n';
  ++lines_;
  if (buffer_.size() >= kBuffer) flush();
  return true;
}

std::uint64_t JsonFileSink::flush() {
  if (buffer_.empty()) return 0;
  if (reopen_.exchange(false) || !file_.valid()) (void)open();
  if (limits_.largest_bytes != 0 && size_ != 0 && size_ + buffer_.size() > limits_.largest_bytes) rotate();
  const std::size_t done = file_.valid() ? write_all(file_.get(), buffer_) : 0;
  size_ += done;
  if (done == buffer_.size()) {
    counts_.delivered += lines_;
  } else {
    // What was written of a line is taken back, so that the next one begins a line of its own.
    const std::size_t last = buffer_.rfind('\n', done == 0 ? 0 : done - 1);
    const std::size_t whole = done == 0 || last == std::string::npos ? 0 : last + 1;
    if (whole != done && ftruncate(file_.get(), static_cast<off_t>(size_ - (done - whole))) == 0)
      size_ -= done - whole;
    std::uint64_t kept = 0;
    for (std::size_t i = 0; i < whole; ++i) kept += buffer_[i] == '\n';
    if (counts_.errors++ == 0) log_warn("{}", last_error("write to " + path_).text());
    counts_.delivered += kept;
    counts_.dropped += lines_ - kept;
  }
  buffer_.clear();
  lines_ = 0;
  return 0;  // they are in counts_
}

}  // namespace sockward
