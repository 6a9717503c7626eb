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

Result<std::string> read_whole_file_at(int folder, const std::string& name, std::size_t most) {
  auto text = read_file_at(folder, name, most + 1);
  if (text && text->size() > most)
    return make_error(std::errc::file_too_large, fmt::format("read more than {} bytes of {}", most, name));
  return text;
}

}  // namespace sockward
