#include "cli/wanted_address.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "base/printable.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

StartupError wrong(const std::string& text, const std::string& why) {
  return usage_error(
      fmt::format("{}: {}", printable(text).text, why),
      "write unix:/path, unix:@name, tcp:HOST:PORT or udp:HOST:PORT, for example tcp:127.0.0.1:80");
}

/// \xNN as the byte it stands for.
std::string unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 2;
    if (text.substr(i, 2) == "\\x" && i + 3 < text.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      bytes += static_cast<char>(value);
      i += 3;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

SocketCall unix_call(const std::string& text, std::string_view name) {
  if (name.empty()) throw wrong(text, "there is no name behind unix:");
  SocketCall call{.address = {.family = AF_UNIX, .name = {}}, .directory = {}};
  call.is_socket = true;
  call.family = AF_UNIX;
  call.type = SOCK_STREAM;
  const bool abstract = name.front() == '@';
  call.address.kind = abstract ? AddressKind::abstract : AddressKind::path;
  call.address.name = abstract ? unescaped(name.substr(1)) : unescaped(name);
  // A path comes with its NUL, an abstract name with one before it.
  call.address_length = static_cast<int>(sizeof(sa_family_t) + call.address.name.size() + 1);
  if (!abstract && !call.address.name.starts_with('/')) call.directory.state = Directory::State::unknown;
  return call;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

SocketAddress look_up(const std::string& text, const std::string& host, std::uint16_t port) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int status = getaddrinfo(host == "*" ? "0.0.0.0" : host.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, FreeAddresses> found(list);
  if (status != 0) throw wrong(text, fmt::format("host {}: {}", printable(host).text, gai_strerror(status)));
  SocketAddress address{.family = static_cast<std::uint16_t>(list->ai_family), .name = {}, .port = port};
  if (list->ai_family == AF_INET) {
    address.kind = AddressKind::inet;
    std::memcpy(address.ip.data(), &reinterpret_cast<sockaddr_in*>(list->ai_addr)->sin_addr, 4);
  } else {
    address.kind = AddressKind::inet6;
    std::memcpy(address.ip.data(), &reinterpret_cast<sockaddr_in6*>(list->ai_addr)->sin6_addr, 16);
  }
  return address;
}

SocketCall inet_call(const std::string& text, std::string_view rest, int protocol) {
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) throw wrong(text, "there is no port");
  std::string host(rest.substr(0, colon));
  const std::string_view digits = rest.substr(colon + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
    throw wrong(text, "the port must be a number from 0 to 65535");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) throw wrong(text, "there is no host; * stands for every address");
  SocketCall call{.address = look_up(text, host, port), .directory = {}};
  call.address_length = call.address.family == AF_INET ? static_cast<int>(sizeof(sockaddr_in))
                                                       : static_cast<int>(sizeof(sockaddr_in6));
  call.is_socket = true;
  call.family = call.address.family;
  call.protocol = static_cast<std::uint16_t>(protocol);
  call.type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
  return call;
}

}  // namespace

SocketCall parse_wanted_address(const std::string& text) {
  const std::string_view all = text;
  if (all.starts_with("unix:")) return unix_call(text, all.substr(5));
  if (all.starts_with("tcp:")) return inet_call(text, all.substr(4), IPPROTO_TCP);
  if (all.starts_with("udp:")) return inet_call(text, all.substr(4), IPPROTO_UDP);
  throw wrong(text, "it does not begin with unix:, tcp: or udp:");
}

}  // namespace sockward
