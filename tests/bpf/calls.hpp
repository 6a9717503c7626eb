// What tests of calls need: raw addresses, and a folder.
#pragma once
#include <sys/syscall.h>

#include <filesystem>

#include "bpf/sockets.hpp"

namespace sockward::test {

inline std::uint32_t my_tid() {
  return static_cast<std::uint32_t>(gettid());
}

inline std::string sockaddr_un_bytes(const std::string& name) {
  const sa_family_t family = AF_UNIX;
  return std::string(reinterpret_cast<const char*>(&family), sizeof(family)) + name;
}

inline int raw_bind(int fd, const std::string& bytes) {
  return static_cast<int>(syscall(SYS_bind, fd, bytes.data(), bytes.size())) == 0 ? 0 : errno;
}

inline int raw_connect(int fd, const std::string& bytes) {
  return static_cast<int>(syscall(SYS_connect, fd, bytes.data(), bytes.size())) == 0 ? 0 : errno;
}

/// A folder of the test's own, removed with it.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/sockward-bpf-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Calls : public Kernel {
 protected:
  Folder folder;
};

}  // namespace sockward::test
