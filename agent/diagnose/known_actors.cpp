#include "diagnose/known_actors.hpp"

namespace sockward {

std::optional<std::string_view> known_host_name_setter(const std::string& executable) {
  static constexpr struct {
    std::string_view program, says;
  } kKnown[] = {
      {"systemd-hostnamed", "systemd-hostnamed, on request over D-Bus (hostnamectl)"},
      {"systemd", "systemd, from /etc/hostname at boot"},
      {"dhclient", "dhclient, from a DHCP lease"},
      {"dhcpcd", "dhcpcd, from a DHCP lease"},
      {"NetworkManager", "NetworkManager, from a DHCP lease or its settings"},
      {"connmand", "ConnMan, from a DHCP lease"},
      {"cloud-init", "cloud-init, from the instance's metadata"},
      {"google_guest_agent", "the Google guest agent, from the instance's metadata"},
  };
  // Only where the distribution puts programs: anybody can give a program a name.
  if (!executable.starts_with("/usr/") && !executable.starts_with("/sbin/") &&
      !executable.starts_with("/lib/"))
    return std::nullopt;
  const std::string_view name = std::string_view(executable).substr(executable.rfind('/') + 1);
  for (const auto& known : kKnown)
    if (name == known.program) return known.says;
  return std::nullopt;
}

}  // namespace sockward
