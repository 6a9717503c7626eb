#include "event/event.hpp"

#include <array>

namespace sockward {
namespace {

std::optional<std::string> below(const Directory& directory, const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name.front() == '/') return name;
  if (directory.state != Directory::State::known) return std::nullopt;
  return directory.path == "/" ? "/" + name : directory.path + "/" + name;
}

}  // namespace

std::string_view to_string(Via via) {
  static constexpr std::array<std::string_view, 4> kNames = {"syscall", "sysctl", "io_uring", "compat"};
  return kNames.at(static_cast<std::size_t>(via));
}

std::string_view to_string(ConnectOutcome outcome) {
  static constexpr std::array<std::string_view, kConnectOutcomes> kNames = {
      "none", "established", "refused", "unreachable", "timed_out", "given_up"};
  return kNames.at(static_cast<std::size_t>(outcome));
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
