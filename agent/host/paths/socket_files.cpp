#include "host/paths/socket_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <memory>

#include "base/file_descriptor.hpp"
#include "host/paths/file_systems.hpp"
#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

constexpr int kDeepest = 6;
constexpr std::size_t kMostEntries = 200'000;

int open_folder(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how)));
}

bool answers_slowly(int fd) {
  struct statfs status {};
  if (fstatfs(fd, &status) != 0) return true;
  return is_remote(status.f_type) || status.f_type == PROC_SUPER_MAGIC || status.f_type == SYSFS_MAGIC;
}

class Search {
 public:
  Search(int root, std::chrono::steady_clock::time_point until) : root_(root), until_(until) {}

  void look_into(const std::string& path, int depth) {
    const int fd = open_folder(root_, path);
    if (fd < 0) return;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(fd), closedir);
    if (!folder) {
      close(fd);
      return;
    }
    if (answers_slowly(fd)) return;
    while (const dirent* entry = readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): a DIR of our own
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++result.entries >= kMostEntries || std::chrono::steady_clock::now() > until_) result.cut = true;
      if (result.cut) return;
      const std::string below = (path == "/" ? "" : path) + "/" + name;
      if (entry->d_type == DT_SOCK || entry->d_type == DT_UNKNOWN) note(below);
      if (entry->d_type == DT_DIR && depth < kDeepest) look_into(below, depth + 1);
    }
  }

  SocketFileSearch result;

 private:
  void note(const std::string& path) {
    auto object = look_at(root_, path);
    if (object && *object && (*object)->kind == PathObject::Kind::socket)
      result.files.push_back({path, **object});
  }

  int root_;
  std::chrono::steady_clock::time_point until_;
};

}  // namespace

SocketFileSearch find_socket_files(int root, const std::vector<std::string>& folders,
                                   std::chrono::steady_clock::time_point until) {
  Search search(root, until);
  for (const auto& folder : folders) search.look_into(folder, 0);
  return std::move(search.result);
}

}  // namespace sockward
