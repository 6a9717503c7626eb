#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockward {

/// Kinds of ports, as RFC 6335 (section 6) names them: 0 to 1023, to 49151, to 65535.
enum class PortClass : std::uint8_t { system, user, dynamic };
inline constexpr std::size_t kPortClasses = 3;
inline constexpr std::array<std::string_view, kPortClasses> kPortClassNames = {"system", "user", "dynamic"};

constexpr PortClass port_class(std::uint16_t port) {
  return port < 1024 ? PortClass::system : port < 49152 ? PortClass::user : PortClass::dynamic;
}

}  // namespace sockward
