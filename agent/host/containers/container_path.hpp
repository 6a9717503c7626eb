#pragma once
#include <string_view>

#include "record/context.hpp"

namespace sockward {

/// The container that a cgroup path names: docker, containerd, CRI-O, podman, lxc and incus, systemd-nspawn,
/// Kubernetes pods of any of them. The innermost one when they nest; the host when there is none.
/// Pure; any bytes are safe to pass.
ContainerIdentity container_from_cgroup(std::string_view path);

}  // namespace sockward
