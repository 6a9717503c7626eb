#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sockward {

/// "EADDRINUSE" for 98; nullopt for a number without a name. Numbers are those of Linux on x86-64 and arm64.
std::optional<std::string_view> errno_name(int number);
/// 98 for "EADDRINUSE"; nullopt for an unknown name. Case matters.
std::optional<int> errno_number(std::string_view name);

/// Every errno name that this system knows, in numeric order.
std::string_view nearest_errno_name(std::string_view wrong);

}  // namespace sockward
