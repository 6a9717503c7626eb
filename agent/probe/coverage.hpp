#pragma once
#include <vector>

#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// Which operation is seen on which route, by what is attached. Pure.
std::vector<Coverage> coverage_of(const std::vector<ProbeStatus>& probes);

}  // namespace sockward
