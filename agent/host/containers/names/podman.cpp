// Podman (containers/storage) keeps a list of a user's containers; root's is in /var/lib/containers.
#include <rapidjson/document.h>

#include <charconv>

#include "host/containers/names/name_source.hpp"

namespace sockward {
namespace {

constexpr const char* kStorage = "/storage/overlay-containers/containers.json";

/// The user whose slice of the cgroups it is ("/user.slice/user-1000.slice/…"); nullopt: none.
std::optional<std::string> user_of(std::string_view cgroup_path) {
  constexpr std::string_view kBefore = "/user-", kAfter = ".slice/";
  const std::size_t start = cgroup_path.find(kBefore);
  if (start == std::string_view::npos) return std::nullopt;
  cgroup_path.remove_prefix(start + kBefore.size());
  const std::size_t end = cgroup_path.find(kAfter);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const std::string_view digits = cgroup_path.substr(0, end);
  return digits.find_first_not_of("0123456789") == std::string_view::npos ? std::optional(std::string(digits))
                                                                          : std::nullopt;
}

/// The home directory in passwd(5).
std::optional<std::string> home_of(const NodeFiles& node, const std::string& uid) {
  const auto passwd = node.read("/etc/passwd");
  if (!passwd) return std::nullopt;
  std::string_view rest = *passwd;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    std::vector<std::string_view> fields;
    for (std::size_t from = 0; from <= line.size();) {
      const std::size_t to = std::min(line.find(':', from), line.size());
      fields.push_back(line.substr(from, to - from));
      from = to + 1;
    }
    if (fields.size() > 5 && fields[2] == uid && !fields[5].empty()) return std::string(fields[5]);
  }
  return std::nullopt;
}

std::optional<std::string> name_in(const std::string& json, const std::string& id) {
  rapidjson::Document list;
  list.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (list.HasParseError() || !list.IsArray()) return std::nullopt;
  for (const auto& container : list.GetArray()) {
    if (!container.IsObject()) continue;
    const auto its_id = container.FindMember("id"), names = container.FindMember("names");
    if (its_id == container.MemberEnd() || !its_id->value.IsString() || its_id->value.GetString() != id)
      continue;
    if (names == container.MemberEnd() || !names->value.IsArray() || names->value.Empty() ||
        !names->value[0].IsString())
      return std::nullopt;
    return std::string(names->value[0].GetString(), names->value[0].GetStringLength());
  }
  return std::nullopt;
}

}  // namespace

std::optional<ContainerNames> names_from_podman(const NodeFiles& node, const ContainerIdentity& container,
                                                std::string_view cgroup_path) {
  if (container.runtime != "podman") return std::nullopt;
  std::string root = "/var/lib/containers";
  if (const auto user = user_of(cgroup_path); user && *user != "0") {
    const auto home = home_of(node, *user);
    if (!home) return std::nullopt;
    root = *home + "/.local/share/containers";
  }
  const auto text = node.read(root + kStorage);
  auto name = text ? name_in(*text, container.id) : std::nullopt;
  if (!name) return std::nullopt;
  ContainerNames names;
  names.name = std::move(*name);
  return names;
}

}  // namespace sockward
