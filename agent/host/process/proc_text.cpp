#include "host/process/proc_text.hpp"

#include <charconv>
#include <sstream>

namespace sockward {

std::optional<std::uint64_t> start_ticks_of(std::string_view stat_text) {
  constexpr int kFieldsAfterCommand = 20;  // state is the first one behind ')', start time the twentieth
  std::size_t position = stat_text.rfind(')');
  if (position == std::string_view::npos) return std::nullopt;
  ++position;
  for (int field = 0; field < kFieldsAfterCommand; ++field) {
    position = stat_text.find(' ', position);
    if (position == std::string_view::npos) return std::nullopt;
    if (field + 1 < kFieldsAfterCommand) ++position;
  }
  const std::string_view rest = stat_text.substr(position + 1);
  std::uint64_t ticks = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), ticks).ec != std::errc()) return std::nullopt;
  return ticks;
}

std::optional<Credentials> credentials_of(std::string_view status_text) {
  Credentials found;
  bool uid = false, gid = false;
  std::istringstream lines{std::string(status_text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string key;
    std::uint32_t real = 0, effective = 0, saved = 0;
    fields >> key;
    if (key == "Uid:") uid = static_cast<bool>(fields >> real >> effective >> saved >> found.fsuid);
    if (key == "Gid:") gid = static_cast<bool>(fields >> real >> effective >> saved >> found.fsgid);
    if (key == "Groups:")
      for (std::uint32_t group = 0; fields >> group;) found.groups.push_back(group);
  }
  if (!uid || !gid) return std::nullopt;
  return found;
}

std::optional<std::string> cgroup_of(std::string_view cgroup_text, std::string_view controller) {
  while (!cgroup_text.empty()) {
    const std::size_t end = cgroup_text.find('\n');
    const std::string_view line = cgroup_text.substr(0, end);
    cgroup_text.remove_prefix(end == std::string_view::npos ? cgroup_text.size() : end + 1);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    if (controllers.find("," + std::string(controller) + ",") != std::string::npos)
      return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

}  // namespace sockward
