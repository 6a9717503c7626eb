#pragma once
#include <string>
#include <string_view>

namespace sockward {

/// A path can be 107 bytes and its NUL; 108 without NUL is legal too, but most programs add one.
inline constexpr std::size_t kUsablePathBytes = 107;

/// The longest component of a path, and how many bytes it may have if nothing else changes.
struct PathBudget {
  std::string_view component;
  std::size_t bytes = 0;     ///< it has
  std::size_t may_have = 0;  ///< 0: shortening it alone does not help
};

PathBudget budget_of(std::string_view path, std::size_t limit = kUsablePathBytes);

/// "the longest component, "x", has 63 bytes: at most 41 fit"; printable.
std::string budget_text(std::string_view path);

/// What helps when a socket path does not fit.
std::string shorten_advice();

}  // namespace sockward
