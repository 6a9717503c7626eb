#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace sockward {

/// The words with the active generation of each CPU: one in each block of a mapped array.
struct ActiveWords {
  int map_fd = -1;
  std::uint32_t offset = 0;  ///< in a block
};

/// Says on every CPU that the programs of this generation count and report there from now on, and no others.
/// A thread on each CPU writes it there: where the kernel does not preempt its own code, none of a call's
/// programs runs meanwhile, so both generations agree about every call. Error: the words cannot be mapped.
Result<bool> activate_generation(const ActiveWords& words, std::uint32_t generation);

/// Waits until every program that runs now has ended: what is no longer active counts nothing after that,
/// even where the kernel preempts its own code.
Result<bool> wait_for_running_programs();

}  // namespace sockward
