#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sockward {

/// Thread groups in a /proc, in no order. Error: it cannot be read.
Result<std::vector<std::uint32_t>> list_processes(const std::string& proc);

}  // namespace sockward
