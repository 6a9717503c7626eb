#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/query.hpp"

namespace sockward {

/// A request on the query socket: one line, a JSON object (docs/contract.md). Without the newline it has at
/// most this many bytes.
inline constexpr std::size_t kLongestQueryRequest = 4096;

/// {"subject":"nginx.service","since":0,"after":0,"limit":50,"names":false}. The viewer is not in it: the
/// server learns that from the kernel. Pure.
std::string to_request(const Query& query);
/// Takes nothing on trust. Error: what is wrong with it, as the operation. Pure.
Result<Query> parse_request(std::string_view line);

}  // namespace sockward
