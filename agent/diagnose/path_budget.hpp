#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
std::string budget_text(std::string_view path, std::size_t limit = kUsablePathBytes);

/// The name that the user gave to a program that makes it longer itself before it binds it: the byte budget
/// is that of this name.
struct ChosenName {
  std::string path;               ///< what the user gave
  std::size_t added = 0;          ///< bytes that the program adds, at most
  std::string_view program_adds;  ///< "ssh binds a temporary name {} bytes longer first"
  std::string_view is_called;     ///< "the ControlPath"
  std::size_t may_have() const { return added < kUsablePathBytes ? kUsablePathBytes - added : 0; }
};

/// Undoes what `program` (its comm) adds to a name; nullopt: `path` does not look like its work.
std::optional<ChosenName> chosen_name(std::string_view program, std::string_view path);
/// The same for a name that it has not made longer yet: the value of `option` ("-S"; empty: not known).
std::optional<ChosenName> chosen_argument(std::string_view program, std::string_view option,
                                          std::string_view path);
/// "ssh binds a temporary name 17 bytes longer first: the ControlPath may have 90 bytes, it has 98"
std::string chosen_text(const ChosenName& chosen);

/// The budget of a path that `program` was given with `option` (empty: not known) or calls too long, as
/// evidence: of the name that the user chose, where the program adds to it; otherwise budget_text().
std::vector<std::string> budget_texts(std::string_view program, std::string_view option,
                                      std::string_view path);

/// What helps when a socket path does not fit.
std::string shorten_advice();

}  // namespace sockward
