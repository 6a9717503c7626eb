#pragma once
#include <cstdint>

namespace sockward {

/// The hierarchy whose cgroups distinguish containers on a host: cgroup v2, or one controller of v1. Numbers
/// are those of the kernel side (enum sockward_hierarchy).
enum class CgroupHierarchy : std::uint8_t { v2, v1_pids, v1_memory };

}  // namespace sockward
