#pragma once
#include <optional>
#include <string>

struct btf;

namespace sockward {

/// Why this kernel takes no BPF trampoline (fentry, fexit), found out by loading and attaching one tiny
/// program; nullopt: it works. arm64 before 6.x refuses at attach, sandboxes at load.
std::optional<std::string> trampoline_obstacle(const btf* kernel_types);

/// Can programs on tracepoints be attached by links, which can be pinned (5.15)?
bool tracepoint_links_work();

}  // namespace sockward
