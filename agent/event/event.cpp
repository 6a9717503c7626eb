#include "event/event.hpp"

#include <algorithm>
#include <array>

namespace sockward {
namespace {

constexpr std::array<std::string_view, kNamedSyscalls> kSyscallNames = {
    "bind",          "connect", "listen",    "unlink", "unlinkat",   "sethostname",
    "setdomainname", "openat2", "open_tree", "mount",  "move_mount", "execve"};

std::optional<std::string> below(const Directory& directory, const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name.front() == '/') return name;
  if (directory.state != Directory::State::known) return std::nullopt;
  return directory.path == "/" ? "/" + name : directory.path + "/" + name;
}

}  // namespace

std::string_view to_string(Syscall syscall) {
  return kSyscallNames.at(static_cast<std::size_t>(syscall));
}

std::string_view to_string(Via via) {
  static constexpr std::array<std::string_view, 4> kNames = {"syscall", "sysctl", "io_uring", "compat"};
  return kNames.at(static_cast<std::size_t>(via));
}

std::optional<Syscall> syscall_from(std::string_view name) {
  const auto* found = std::find(kSyscallNames.begin(), kSyscallNames.end(), name);
  if (found == kSyscallNames.end()) return std::nullopt;
  return static_cast<Syscall>(found - kSyscallNames.begin());
}

std::optional<std::string> resolved_path(const Event& event) {
  if (const auto* socket = std::get_if<SocketCall>(&event.call)) {
    if (socket->address.kind != AddressKind::path) return std::nullopt;
    return below(socket->directory, socket->address.name);
  }
  if (const auto* path = std::get_if<PathCall>(&event.call))
    return path->path ? below(path->directory, *path->path) : std::nullopt;
  return std::nullopt;
}

}  // namespace sockward
