#pragma once
#include <optional>
#include <string>
#include <vector>

namespace sockward {

/// A container as its cgroup names it. All strings are raw bytes.
struct ContainerIdentity {
  std::string runtime;  ///< docker, containerd, crio, podman, lxc, nspawn, …; empty: no container
  std::string id;       ///< 64 hex digits where the runtime has them
  std::string name;     ///< where the cgroup carries one (lxc, nspawn)
  std::string pod_uid;  ///< Kubernetes

  bool is_host() const { return runtime.empty(); }
  /// `host`, or `<runtime>:<name, or the first 12 characters of the id>`; printable, 64 characters at most.
  std::string label() const;
  bool operator==(const ContainerIdentity&) const = default;
};

/// What the agent found out about the caller after the call. Absent = not found out in time.
struct Context {
  std::optional<std::string> executable;              ///< path of the program; raw bytes
  std::optional<std::vector<std::string>> arguments;  ///< command line; raw bytes
  std::optional<ContainerIdentity> container;
  std::optional<std::string> cgroup_path;
};

}  // namespace sockward
