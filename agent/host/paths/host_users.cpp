#include "host/paths/host_users.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/file_descriptor.hpp"
#include "host/paths/id_names.hpp"

namespace sockward {
namespace {

std::string look_up(std::uint32_t uid) {
  const FileDescriptor root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto names = id_names_below(root.get(), {.users = {uid}, .groups = {}});
  if (!names || names->users.empty()) return fmt::format("{}", uid);
  return fmt::format("{}({})", uid, names->users.begin()->second);
}

}  // namespace

std::string HostUsers::text(std::uint32_t uid) {
  const std::lock_guard lock(mutex_);
  const auto known = texts_.find(uid);
  if (known != texts_.end()) return known->second;
  if (texts_.size() == kEntries) texts_.clear();
  return texts_.emplace(uid, look_up(uid)).first->second;
}

}  // namespace sockward
