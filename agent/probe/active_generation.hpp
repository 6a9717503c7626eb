#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace sockward {

/// Says on every CPU that the programs of this generation count and report there from now on, and no others.
/// A thread on each CPU writes it there: where the kernel does not preempt its own code, none of a call's
/// programs runs meanwhile, so both generations agree about every call. Error: the counters cannot be mapped.
Result<bool> activate_generation(int counters_fd, std::uint32_t blocks, std::uint32_t generation);
/// Which generation is active on the first CPU; 0: none yet.
std::uint32_t active_generation(int counters_fd);

}  // namespace sockward
