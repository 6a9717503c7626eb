#include "base/read_file.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "base/file_descriptor.hpp"

namespace sockward {

Result<std::string> read_file_at(int folder, const std::string& name, std::size_t limit) {
  const FileDescriptor fd(openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return last_error("open " + name);
  std::string text;
  char buffer[4096];
  while (text.size() < limit) {
    const ssize_t bytes = ::read(fd.get(), buffer, sizeof(buffer));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return last_error("read " + name);
    if (bytes == 0) break;
    text.append(buffer, static_cast<std::size_t>(bytes));
  }
  return text;
}

Result<bool> read_lines_at(int folder, const std::string& name, std::size_t most,
                           const std::function<void(std::string_view)>& take) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  const FileDescriptor fd(openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return last_error("open " + name);
  std::string text;
  std::size_t total = 0, whole = 0;  // bytes read; of `text`, up to its last newline
  char buffer[4096];
  for (;;) {
    const ssize_t bytes = ::read(fd.get(), buffer, sizeof(buffer));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return last_error("read " + name);
    if (bytes == 0) break;
    total += static_cast<std::size_t>(bytes);
    if (total > most)
      return make_error(std::errc::file_too_large, fmt::format("read more than {} bytes of {}", most, name));
    const std::string_view fresh(buffer, static_cast<std::size_t>(bytes));
    if (const std::size_t newline = fresh.rfind('\n'); newline != std::string_view::npos)
      whole = text.size() + newline + 1;
    text += fresh;
    if (whole < kPiece) continue;
    take(std::string_view(text).substr(0, whole));
    text.erase(0, whole);
    whole = 0;
  }
  if (!text.empty()) take(text);
  return true;
}

}  // namespace sockward
