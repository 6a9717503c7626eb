#pragma once
#include <span>
#include <string_view>

namespace sockward {

/// The candidate with the smallest edit distance to `wrong`, case ignored: for "did you mean".
/// Candidates must not be empty.
std::string_view nearest(std::string_view wrong, std::span<const std::string_view> candidates);

}  // namespace sockward
