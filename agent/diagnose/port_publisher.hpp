#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockward {

/// What a program that has a port in a container's place says of it.
struct PublishedPort {
  std::string text;    ///< evidence, printable: "docker-proxy publishes it for port 80 of 172.17.0.2 …"
  std::string advice;  ///< how to find and stop the container; printable
};

/// Is a program of this name worth asking for its command line?
bool may_publish_ports(std::string_view comm);
/// docker-proxy (dockerd starts one for each published port), conmon (Podman lets it hold the ports of a
/// container) and forkproxy (LXD and Incus start one for each proxy device): by the name of the program and
/// its command line, which is the program's own word. nullopt: another program, or one that says nothing, or
/// words that no container's name or address has. Pure; any bytes are safe.
std::optional<PublishedPort> published_port(std::string_view comm, const std::vector<std::string>& arguments);

}  // namespace sockward
