// Docker keeps what it knows of a container in <data root>/containers/<id>/config.v2.json.
#include "host/containers/names/name_source.hpp"

namespace sockward {

std::optional<ContainerNames> names_from_docker(const NodeFiles& node, const ContainerIdentity& container,
                                                std::string_view /*cgroup_path*/) {
  if (container.runtime != "docker") return std::nullopt;
  std::string root = "/var/lib/docker";
  if (const auto settings = node.read("/etc/docker/daemon.json"))
    if (auto moved = json_text_at(*settings, {"data-root"})) root = std::move(*moved);
  const auto text = node.read(root + "/containers/" + container.id + "/config.v2.json");
  if (!text) return std::nullopt;
  auto name = json_text_at(*text, {"Name"});
  if (!name) return std::nullopt;
  if (name->starts_with('/')) name->erase(0, 1);
  ContainerNames names;
  names.name = std::move(*name);
  return names;
}

}  // namespace sockward
