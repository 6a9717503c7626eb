// Names of pods: every kubelet makes a folder for each pod's logs, /var/log/pods/<namespace>_<pod>_<uid>, and
// a link for each container, /var/log/containers/<pod>_<namespace>_<container>-<id>.log. Neither names nor
// uids of Kubernetes can hold an underscore.
#include "host/containers/names/name_source.hpp"

namespace sockward {

std::optional<ContainerNames> names_from_log(std::string_view file, std::string_view container_id) {
  const std::string end = "-" + std::string(container_id) + ".log";
  if (container_id.empty() || !file.ends_with(end)) return std::nullopt;
  file.remove_suffix(end.size());
  const std::size_t first = file.find('_'), second = file.find('_', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  ContainerNames names;
  names.pod = file.substr(0, first);
  names.pod_namespace = file.substr(first + 1, second - first - 1);
  names.pod_container = file.substr(second + 1);
  return names;
}

std::optional<ContainerNames> names_from_kubelet(const NodeFiles& node, const ContainerIdentity& container,
                                                 std::string_view /*cgroup_path*/) {
  if (container.pod_uid.empty()) return std::nullopt;
  for (const std::string& file : node.list("/var/log/containers"))
    if (auto names = names_from_log(file, container.id)) return names;
  // The sandbox of a pod has no log, nor has a container before it has written one.
  const std::string end = "_" + container.pod_uid;
  for (const std::string& folder : node.list("/var/log/pods")) {
    if (!folder.ends_with(end)) continue;
    const std::string_view both = std::string_view(folder).substr(0, folder.size() - end.size());
    const std::size_t middle = both.find('_');
    if (middle == std::string_view::npos) continue;
    ContainerNames names;
    names.pod_namespace = both.substr(0, middle);
    names.pod = both.substr(middle + 1);
    return names;
  }
  return std::nullopt;
}

}  // namespace sockward
