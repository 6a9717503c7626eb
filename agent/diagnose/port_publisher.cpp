#include "diagnose/port_publisher.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sockward {
namespace {

// A comm has 15 bytes at most: rootlesskit-docker-proxy.
constexpr std::string_view kDockerProxy = "docker-proxy", kRootlessDockerProxy = "rootlesskit-doc",
                           kConmon = "conmon", kLxd = "lxd", kIncus = "incusd";

/// The word after a flag; empty: there is none. "--flag=word", too.
std::string_view word_after(const std::vector<std::string>& arguments, std::string_view flag) {
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    if (*word == flag) return std::next(word) == arguments.end() ? "" : std::string_view(*std::next(word));
    if (word->starts_with(flag) && word->size() > flag.size() && (*word)[flag.size()] == '=')
      return std::string_view(*word).substr(flag.size() + 1);
  }
  return {};
}

/// As names of containers and addresses are: nothing that a shell would take for more, since advice is copied
/// into one. Anybody can write a command line.
bool is_plain(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:[]/@,%";
  return !text.empty() && text.size() <= kLongest &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_number(std::string_view text) {
  return is_plain(text) && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80
std::optional<PublishedPort> of_docker(const std::vector<std::string>& arguments) {
  const std::string_view port = word_after(arguments, "-host-port");
  const std::string_view inner = word_after(arguments, "-container-port");
  const std::string_view address = word_after(arguments, "-container-ip");
  if (!is_number(port) || !is_number(inner) || !is_plain(address)) return std::nullopt;
  return PublishedPort{
      .text = fmt::format("docker-proxy publishes it for port {} of the container at {} (its command line)",
                          inner, address),
      .advice = fmt::format("a container has published the port: `docker ps --filter publish={}` names it; "
                            "stop that one, or publish another port (docker run -p)",
                            port)};
}

/// conmon --api-version 1 -c <id> -u <id> -r /usr/bin/runc -b … -n <name> …
std::optional<PublishedPort> of_podman(const std::vector<std::string>& arguments) {
  const std::string_view name = word_after(arguments, "-n");
  if (!is_plain(name) || name.starts_with('-')) return std::nullopt;
  return PublishedPort{
      .text = fmt::format("conmon holds it for the container {} (its command line)", name),
      .advice = fmt::format("the container {0} has published the port: `podman port {0}`; stop that one, or "
                            "publish another port (podman run -p)",
                            name)};
}

/// lxd forkproxy -- <pid> <fd> tcp:0.0.0.0:8080 <pid> <fd> tcp:127.0.0.1:80 …: listens at the first address
/// and connects to the second, inside the instance.
std::optional<PublishedPort> of_proxy_device(std::string_view client,
                                             const std::vector<std::string>& arguments) {
  constexpr std::ptrdiff_t kListen = 4, kConnect = 7;
  const auto proxy = std::find(arguments.begin(), arguments.end(), "forkproxy");
  if (std::distance(proxy, arguments.end()) <= kConnect) return std::nullopt;
  if (!is_plain(proxy[kListen]) || !is_plain(proxy[kConnect])) return std::nullopt;
  return PublishedPort{
      .text = fmt::format(
          "forkproxy has it for a proxy device that leads to {} in an instance (its command line)",
          proxy[kConnect]),
      .advice = fmt::format("an instance has a proxy device with `listen: {}`: `{} config show --expanded "
                            "<instance>` shows its devices; remove that one, or use another port",
                            proxy[kListen], client)};
}

}  // namespace

bool may_publish_ports(std::string_view comm) {
  return comm == kDockerProxy || comm == kRootlessDockerProxy || comm == kConmon || comm == kLxd ||
         comm == kIncus;
}

std::optional<PublishedPort> published_port(std::string_view comm,
                                            const std::vector<std::string>& arguments) {
  if (!may_publish_ports(comm)) return std::nullopt;
  if (comm == kConmon) return of_podman(arguments);
  if (comm == kLxd || comm == kIncus) return of_proxy_device(comm == kLxd ? "lxc" : "incus", arguments);
  return of_docker(arguments);
}

}  // namespace sockward
