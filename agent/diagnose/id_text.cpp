#include "diagnose/id_text.hpp"

#include <fmt/format.h>

namespace sockward {
namespace {

constexpr std::size_t kGroupsShown = 8;

/// "33 (www-data)"
std::string number_text(std::uint32_t id, const std::map<std::uint32_t, std::string>& names) {
  const auto name = names.find(id);
  return name == names.end() ? fmt::format("{}", id) : fmt::format("{} ({})", id, name->second);
}

/// Its own one, and the others that are shown.
std::vector<std::uint32_t> shown_groups(const Credentials& credentials) {
  std::vector<std::uint32_t> shown = {credentials.fsgid};
  for (std::size_t i = 0; i < credentials.groups.size() && i < kGroupsShown; ++i)
    if (credentials.groups[i] != credentials.fsgid) shown.push_back(credentials.groups[i]);
  return shown;
}

}  // namespace

IdNumbers ids_of(const PermissionReplay& replay) {
  IdNumbers ids;
  const auto add = [&ids](const PathObject& object) {
    ids.users.insert(object.uid);
    ids.groups.insert(object.gid);
  };
  if (replay.denial) add(replay.denial->step.object);
  if (replay.changed_since) add(replay.changed_since->object);
  if (!replay.known) return ids;
  ids.users.insert(replay.credentials.fsuid);
  const auto groups = shown_groups(replay.credentials);
  ids.groups.insert(groups.begin(), groups.end());
  return ids;
}

std::string user_text(std::uint32_t uid, const IdNames& names) {
  return "uid " + number_text(uid, names.users);
}

std::string group_text(std::uint32_t gid, const IdNames& names) {
  const auto name = names.groups.find(gid);
  return name == names.groups.end() ? fmt::format("group {}", gid)
                                    : fmt::format("group {} (gid {})", name->second, gid);
}

std::string credentials_text(const Credentials& credentials, const IdNames& names) {
  std::string text = user_text(credentials.fsuid, names) + ", groups ";
  bool first = true;
  for (const std::uint32_t group : shown_groups(credentials)) {
    text += (first ? "" : ", ") + number_text(group, names.groups);
    first = false;
  }
  if (credentials.groups.size() > kGroupsShown) text += ", …";
  return text;
}

std::string ownership_text(const PathObject& object, const IdNames& names) {
  return fmt::format("{}, gid {}, mode {:04o}", user_text(object.uid, names),
                     number_text(object.gid, names.groups), object.mode);
}

}  // namespace sockward
