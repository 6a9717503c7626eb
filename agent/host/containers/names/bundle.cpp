// containerd and CRI-O keep the OCI bundle of each running container, whose annotations have its names.
#include "host/containers/names/name_source.hpp"

namespace sockward {
namespace {

std::string annotation(const std::string& json, const char* key) {
  return json_text_at(json, {"annotations", key}).value_or("");
}

ContainerNames of_containerd(const std::string& json) {
  ContainerNames names;
  names.name = annotation(json, "nerdctl/name");
  names.pod_namespace = annotation(json, "io.kubernetes.cri.sandbox-namespace");
  names.pod = annotation(json, "io.kubernetes.cri.sandbox-name");
  names.pod_container = annotation(json, "io.kubernetes.cri.container-name");
  return names;
}

ContainerNames of_crio(const std::string& json) {
  ContainerNames names;
  names.pod_namespace = annotation(json, "io.kubernetes.pod.namespace");
  names.pod = annotation(json, "io.kubernetes.pod.name");
  names.pod_container = annotation(json, "io.kubernetes.container.name");
  if (names.pod_container == "POD") names.pod_container.clear();  // the sandbox
  return names;
}

std::optional<ContainerNames> unless_empty(ContainerNames names) {
  if (names.name.empty() && names.pod.empty()) return std::nullopt;
  return names;
}

}  // namespace

std::optional<ContainerNames> names_from_bundle(const NodeFiles& node, const ContainerIdentity& container,
                                                std::string_view /*cgroup_path*/) {
  if (container.runtime == "crio") {
    const auto text =
        node.read("/run/containers/storage/overlay-containers/" + container.id + "/userdata/config.json");
    return text ? unless_empty(of_crio(*text)) : std::nullopt;
  }
  const std::string tasks = "/run/containerd/io.containerd.runtime.v2.task";
  for (const std::string& containerd_namespace : node.list(tasks))
    if (const auto text = node.read(tasks + "/" + containerd_namespace + "/" + container.id + "/config.json"))
      return unless_empty(of_containerd(*text));
  return std::nullopt;
}

}  // namespace sockward
