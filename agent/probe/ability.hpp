#pragma once
#include <optional>
#include <string>

struct btf;

namespace sockward {

/// Why this kernel takes no BPF trampoline (fentry, fexit), found out by loading and attaching one tiny
/// program; nullopt: it works. arm64 before 6.x refuses at attach, sandboxes at load.
std::optional<std::string> trampoline_obstacle(const btf* kernel_types);

}  // namespace sockward
