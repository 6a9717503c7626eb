// The query socket's file, and the group that sees all.
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "base/result.hpp"
#include "base/startup_error.hpp"
#include "query/query_server.hpp"

namespace sockward {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = ""};
  if (path.size() >= sizeof(address.sun_path))
    throw usage_error(fmt::format("query.socket: {} has {} bytes, and a socket's path at most {}", path,
                                  path.size(), sizeof(address.sun_path) - 1),
                      "choose a shorter one");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// Does somebody answer there?
bool is_served(const sockaddr_un& address) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         errno == EAGAIN;
}

bool is_socket(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

FileDescriptor listen_for_queries(const std::string& path) {
  const sockaddr_un address = address_of(path);
  constexpr mode_t kForAll = 0666;
  constexpr int kWaiting = 16;
  std::error_code ignored;  // what matters is whether bind works
  std::filesystem::create_directory(std::filesystem::path(path).parent_path(), ignored);
  if (is_socket(path)) {
    if (is_served(address))
      throw failure("query.socket: another agent answers at " + path,
                    "stop it, or give this one another path");
    (void)unlink(path.c_str());
  }
  FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid() ||
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), kForAll) != 0 || listen(listener.get(), kWaiting) != 0)
    throw failure(last_error("listen at query.socket " + path).text(),
                  "check the folder and its permissions, or write query: {socket: off}");
  return listener;
}

std::optional<gid_t> group_number(const std::string& name) {
  const group* found =
      name.empty() ? nullptr : getgrnam(name.c_str());  // NOLINT(concurrency-mt-unsafe): at the start
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

}  // namespace sockward
