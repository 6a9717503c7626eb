#pragma once
#include <vector>

#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// Has this architecture the call at all? arm64 has no unlink(2), only unlinkat(2).
bool has_system_call(Syscall syscall);

/// Which operation is seen on which route, by what is attached. Pure.
/// `restart`: the programs live on between two agents.
std::vector<Coverage> coverage_of(const std::vector<ProbeStatus>& probes, bool restart);

}  // namespace sockward
