#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sockward {

/// What a program that is known to set host names does, by the path of its executable: "systemd-hostnamed, on
/// request over D-Bus (hostnamectl)". nullopt: not a known one. Pure.
std::optional<std::string_view> known_host_name_setter(const std::string& executable);

}  // namespace sockward
