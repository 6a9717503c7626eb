#include "host/containers/names/node_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>

#include "base/log.hpp"
#include "base/read_file.hpp"

namespace sockward {

NodeFiles::NodeFiles(const std::string& root)
    : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (!root_.valid()) root_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

FileDescriptor NodeFiles::open(const std::string& path, int flags) const {
  open_how how{};
  // Not to wait for a writer where somebody has put a fifo.
  how.flags = static_cast<std::uint64_t>(flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return FileDescriptor(static_cast<int>(syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof(how))));
}

Result<std::string> NodeFiles::read(const std::string& path, std::size_t limit) const {
  const FileDescriptor file = open(path, 0);
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0) return last_error("open " + path);
  if (!S_ISREG(status.st_mode)) return make_error(std::errc::invalid_argument, path + " is no regular file");
  if (static_cast<std::uint64_t>(status.st_size) > limit) return make_error(std::errc::file_too_large, path);
  return read_file("/proc/self/fd/" + std::to_string(file.get()), limit);
}

std::vector<std::string> NodeFiles::list(const std::string& path) const {
  constexpr std::size_t kMost = 100'000;
  std::vector<std::string> names;
  const FileDescriptor opened = open(path, O_DIRECTORY);
  if (!opened.valid()) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(dup(opened.get())), closedir);
  if (!folder) return names;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == kMost) {
      static std::atomic<bool> said{false};
      if (!said.exchange(true))
        log_warn("{} has more than {} entries: names of containers behind them are not found", path, kMost);
      break;
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace sockward
