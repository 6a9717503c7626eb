#pragma once
#include <chrono>
#include <string>

#include "base/result.hpp"
#include "store/query.hpp"

namespace sockward {

/// Asks at the query socket and returns the lines of the answer. Waits no longer than `patience` in all.
Result<std::string> ask_agent(const std::string& socket, const Query& query,
                              std::chrono::milliseconds patience);

}  // namespace sockward
