#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/containers/names/node_files.hpp"
#include "record/context.hpp"

namespace sockward {

/// What people call a container. Raw bytes; empty: not said.
struct ContainerNames {
  std::string name;                               ///< the runtime's own
  std::string pod_namespace, pod, pod_container;  ///< Kubernetes
};

/// One place where a node keeps names. Each source is a file in this folder, listed in container_names.cpp.
/// nullopt: it does not know the container (yet). Reads below `node` only, asks no daemon.
using NameSource = std::optional<ContainerNames> (*)(const NodeFiles& node,
                                                     const ContainerIdentity& container,
                                                     std::string_view cgroup_path);

std::optional<ContainerNames> names_from_kubelet(const NodeFiles&, const ContainerIdentity&,
                                                 std::string_view cgroup_path);
std::optional<ContainerNames> names_from_docker(const NodeFiles&, const ContainerIdentity&,
                                                std::string_view cgroup_path);
std::optional<ContainerNames> names_from_podman(const NodeFiles&, const ContainerIdentity&,
                                                std::string_view cgroup_path);
std::optional<ContainerNames> names_from_bundle(const NodeFiles&, const ContainerIdentity&,
                                                std::string_view cgroup_path);

/// The parts of "<pod>_<namespace>_<container>-<id>.log", as kubelets name the logs in /var/log/containers.
/// nullopt: it is another file, or another container's. Pure.
std::optional<ContainerNames> names_from_log(std::string_view file, std::string_view container_id);

/// Of JSON text, the text at the end of a path of members. nullopt: there is none. Pure; any bytes are safe.
std::optional<std::string> json_text_at(const std::string& json, const std::vector<std::string>& path);

}  // namespace sockward
