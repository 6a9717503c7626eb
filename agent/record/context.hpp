#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockward {

/// A container: what its cgroup tells, and the names that the node has on disk. All strings are raw bytes.
struct ContainerIdentity {
  std::string runtime;  ///< docker, containerd, crio, podman, lxc, nspawn, …; empty: no container
  std::string id;       ///< 64 hex digits where the runtime has them
  std::string name;     ///< from the cgroup (lxc, nspawn) or the runtime's files; empty: not known
  std::string pod_uid;  ///< Kubernetes
  /// Kubernetes; empty: not known. A pod's sandbox has no name of a container.
  std::string pod_namespace, pod, pod_container;

  bool is_host() const { return runtime.empty(); }
  /// `host`, `k8s:<namespace>/<pod>/<container>`, or `<runtime>:<name, or the first 12 characters of the
  /// id>`; printable, 200 bytes at most.
  std::string label() const;
  bool operator==(const ContainerIdentity&) const = default;
};

/// The unit of systemd that a process belongs to, from its cgroup. Raw bytes.
struct SystemdUnit {
  enum class Manager { system, user, container };

  std::string name;                   ///< "nginx.service"
  Manager manager = Manager::system;  ///< whose unit it is: the host's, a user's, or that of a container
  bool operator==(const SystemdUnit&) const = default;
};
std::string_view to_string(SystemdUnit::Manager manager);

/// What the agent found out about the caller after the call. Absent = not found out in time.
struct Context {
  std::optional<std::string> executable;              ///< path of the program; raw bytes
  std::optional<std::vector<std::string>> arguments;  ///< command line; raw bytes
  std::optional<ContainerIdentity> container;
  std::optional<SystemdUnit> unit;
  std::optional<std::string> cgroup_path;
};

}  // namespace sockward
