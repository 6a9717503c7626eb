#pragma once
#include <string>
#include <string_view>

namespace sockward {

/// address_in_use -> AddressInUse
inline std::string camel_case(std::string_view name) {
  std::string result;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    result += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return result;
}

}  // namespace sockward
