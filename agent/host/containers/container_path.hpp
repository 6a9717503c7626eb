#pragma once
#include <optional>
#include <string_view>

#include "record/context.hpp"

namespace sockward {

/// The container that a cgroup path names: docker, containerd, CRI-O, podman, lxc and incus, systemd-nspawn,
/// Kubernetes pods of any of them. The innermost one when they nest; the host when there is none.
/// Pure; any bytes are safe to pass.
ContainerIdentity container_from_cgroup(std::string_view path);

/// The unit of systemd that the same path names: of the user's manager where it is one of that, and inside a
/// container of the manager that runs there. nullopt: none. Pure; any bytes are safe to pass.
std::optional<SystemdUnit> unit_from_cgroup(std::string_view path);

}  // namespace sockward
