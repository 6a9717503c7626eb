#include "pipeline/ignored_paths.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace sockward {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return path == pattern;
  pattern.remove_suffix(1);
  return path.size() > pattern.size() && path.starts_with(pattern);
}

/// A path made absolute, or "@" and an abstract name without the NULs that some programs leave behind it.
std::optional<std::string> name_of(const Event& event, const SocketCall& call) {
  if (call.address.kind == AddressKind::path) return resolved_path(event);
  if (call.address.kind != AddressKind::abstract) return std::nullopt;
  std::string name = "@" + call.address.name;
  name.erase(name.find_last_not_of('\0') + 1);
  return name;
}

bool is_unanswered(int error) {
  return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED || error == EAGAIN;
}

}  // namespace

bool IgnoredPaths::cover(const Event& event) const {
  if (paths_.empty() || !reaches(event.syscall) || !is_unanswered(event.error())) return false;
  const auto* call = std::get_if<SocketCall>(&event.call);
  if (call == nullptr) return false;
  const auto name = name_of(event, *call);
  return name && std::any_of(paths_.begin(), paths_.end(),
                             [&](const std::string& pattern) { return matches(pattern, *name); });
}

}  // namespace sockward
