#include "host/containers/container_path.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace sockward {
namespace {

constexpr std::size_t kIdDigits = 64;

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// The part of `text` between a prefix and a suffix.
std::optional<std::string_view> between(std::string_view text, std::string_view prefix,
                                        std::string_view suffix) {
  if (text.size() < prefix.size() + suffix.size() || !text.starts_with(prefix) || !text.ends_with(suffix))
    return std::nullopt;
  return text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
}

/// systemd writes bytes of a unit name as \xNN (systemd.unit(5)).
std::string unescape_unit(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\\x" && i + 3 < text.size() && digit(text[i + 2]) >= 0 &&
        digit(text[i + 3]) >= 0) {
      result += static_cast<char>(digit(text[i + 2]) * 16 + digit(text[i + 3]));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

struct ScopePrefix {
  std::string_view prefix, runtime;
};
// Names that runtimes give to the scope of a container, before its id.
constexpr ScopePrefix kScopes[] = {{"docker-", "docker"},      {"cri-containerd-", "containerd"},
                                   {"crio-", "crio"},          {"libpod-", "podman"},
                                   {"nerdctl-", "containerd"}, {"containerd-", "containerd"}};

std::optional<ContainerIdentity> from_scope(std::string_view segment) {
  for (const auto& [prefix, runtime] : kScopes)
    for (const std::string_view suffix : {".scope", ""})
      if (const auto id = between(segment, prefix, suffix); id && is_id(*id))
        return ContainerIdentity{.runtime = std::string(runtime), .id = std::string(*id)};
  // containerd with a systemd-less driver: "<slice>:cri-containerd:<id>"
  if (const std::size_t colon = segment.rfind(':');
      colon != std::string_view::npos && is_id(segment.substr(colon + 1)))
    return ContainerIdentity{
        .runtime = segment.find("crio") == std::string_view::npos ? "containerd" : "crio",
        .id = std::string(segment.substr(colon + 1))};
  return std::nullopt;
}

std::optional<ContainerIdentity> from_name(std::string_view segment, std::string_view parent) {
  if (const auto name = between(segment, "lxc.payload.", ""); name && !name->empty())
    return ContainerIdentity{.runtime = "lxc", .name = std::string(*name)};
  if (parent == "lxc" || parent == "lxc.payload")
    return ContainerIdentity{.runtime = "lxc", .name = std::string(segment)};
  if (const auto name = between(segment, "systemd-nspawn@", ".service"); name && !name->empty())
    return ContainerIdentity{.runtime = "nspawn", .name = unescape_unit(*name)};
  if (const auto name = between(segment, "machine-", ".scope");
      name && parent == "machine.slice" && !name->empty())
    return ContainerIdentity{.runtime = name->starts_with("qemu\\x2d") ? "qemu" : "nspawn",
                             .name = unescape_unit(*name)};
  return std::nullopt;
}

/// Whose container has a cgroup that is named by its id alone. containerd puts one below its namespace, of
/// which `ctr` and nerdctl use "default" and Kubernetes "k8s.io"; Docker below "docker", or where
/// --cgroup-parent says.
std::string runtime_below(std::string_view parent, bool in_pods) {
  if (in_pods || parent == "default" || parent == "k8s.io") return "containerd";
  return parent == "libpod_parent" ? "podman" : "docker";
}

/// "pod<uid>" of the cgroupfs driver or "kubepods-…-pod<uid>.slice" of the systemd driver.
std::string pod_uid_of(std::string_view segment) {
  segment = segment.substr(0, segment.find(':'));
  std::string_view uid;
  if (const auto slice = between(segment, "kubepods", ".slice")) {
    const std::size_t pod = slice->rfind("-pod");
    if (pod != std::string_view::npos) uid = slice->substr(pod + 4);
  } else if (segment.starts_with("pod")) {
    uid = segment.substr(3);
  }
  std::string text(uid);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

/// The innermost container on the path, and what follows it: all of the path when there is none.
struct ContainerOnPath {
  ContainerIdentity identity;
  std::string_view below;
};

ContainerOnPath innermost_container(std::string_view path) {
  ContainerOnPath found{.identity = {}, .below = path};
  std::string_view parent;
  std::string pod_uid;
  bool in_pods = false;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (segment.empty()) continue;
    in_pods |= segment.starts_with("kubepods");
    if (in_pods)
      if (auto uid = pod_uid_of(segment); !uid.empty()) pod_uid = std::move(uid);
    auto identity = from_scope(segment);
    if (!identity) identity = from_name(segment, parent);
    if (!identity && is_id(segment))
      identity = ContainerIdentity{.runtime = runtime_below(parent, in_pods), .id = std::string(segment)};
    if (identity) {
      found = {.identity = std::move(*identity), .below = path};
      found.identity.pod_uid = pod_uid;
    }
    parent = segment;
  }
  return found;
}

/// Takes the next segment off the path. Empty: there is none.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// The first unit below the slices of one manager; the rest of the path is below it (systemd's
/// cg_path_get_unit()).
std::optional<std::string> take_unit(std::string_view& path) {
  constexpr std::string_view kSlice = ".slice";
  std::string_view segment = next_segment(path);
  while (segment.ends_with(kSlice)) segment = next_segment(path);
  if (segment.starts_with('_')) segment.remove_prefix(1);  // names that the kernel reserves are escaped so
  for (const std::string_view type : {".service", ".scope", ".socket", ".mount", ".swap"})
    if (segment.size() > type.size() && segment.ends_with(type)) return std::string(segment);
  return std::nullopt;
}

}  // namespace

ContainerIdentity container_from_cgroup(std::string_view path) {
  return innermost_container(path).identity;
}

std::optional<SystemdUnit> unit_from_cgroup(std::string_view path) {
  constexpr std::string_view kPayload = "payload";  // systemd-nspawn puts its container below that
  auto [identity, below] = innermost_container(path);
  if (identity.runtime == "nspawn" && below.starts_with(kPayload)) below.remove_prefix(kPayload.size());
  auto unit = take_unit(below);
  if (!unit) return std::nullopt;
  using enum SystemdUnit::Manager;
  SystemdUnit found{.name = std::move(*unit), .manager = identity.is_host() ? system : container};
  if (found.name.starts_with("user@") && found.name.ends_with(".service"))
    if (auto of_user = take_unit(below); of_user && *of_user != "init.scope")
      found = {.name = std::move(*of_user), .manager = identity.is_host() ? user : container};
  return found;
}

}  // namespace sockward
