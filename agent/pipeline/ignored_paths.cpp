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

bool is_unanswered(int error) {
  return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED || error == EAGAIN;
}

}  // namespace

bool IgnoredPaths::cover(const Event& event) const {
  if (paths_.empty() || !reaches(event.syscall) || !is_unanswered(event.error())) return false;
  const auto* call = std::get_if<SocketCall>(&event.call);
  if (call == nullptr || call->address.kind != AddressKind::path) return false;
  const auto path = resolved_path(event);
  return path && std::any_of(paths_.begin(), paths_.end(),
                             [&](const std::string& pattern) { return matches(pattern, *path); });
}

}  // namespace sockward
