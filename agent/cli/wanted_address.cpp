#include "cli/wanted_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "diagnose/holding.hpp"

namespace sockward {
namespace {

constexpr const char* kForms =
    "write unix:/path, unix:@name, tcp:HOST:PORT or udp:HOST:PORT, for example tcp:127.0.0.1:80 or "
    "tcp:[fe80::1%eth0]:80";

StartupError wrong(const std::string& text, const std::string& why, const std::string& next_step = kForms) {
  return usage_error(fmt::format("address \"{}\": {}", printable(text).text, why), next_step);
}

std::string quoted(std::string_view part) {
  return "\"" + printable(part).text + "\"";
}

/// The whole text as a number.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
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
  if (name.empty()) throw wrong(text, "there is no name after unix:");
  SocketCall call{.address = {.family = AF_UNIX, .name = {}}, .directory = {}};
  call.is_socket = true;
  call.family = AF_UNIX;
  call.type = SOCK_STREAM;
  const bool abstract = name.front() == '@';
  // Records write a path that begins with @ this way (address_text()).
  if (name.starts_with("./@")) name.remove_prefix(2);
  call.address.kind = abstract ? AddressKind::abstract : AddressKind::path;
  call.address.name = unescaped(abstract ? name.substr(1) : name);
  const std::size_t bytes = call.address.name.size();
  if (!abstract && call.address.name.find('\0') != std::string::npos)
    throw wrong(text, "a path cannot contain \\x00", "leave it out; abstract names (unix:@…) can contain it");
  // An abstract name comes with a NUL before it, a path with one behind it; 108 bytes fit without one.
  const bool exact = !abstract && bytes == std::size_t{kUnixPathMax};
  call.address_length = static_cast<int>(sizeof(sa_family_t) + bytes + (exact ? 0 : 1));
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
  if (status != 0) throw wrong(text, fmt::format("host {}: {}", quoted(host), gai_strerror(status)));
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

/// What stands between the brackets, without and with what is behind the %.
SocketAddress bracketed(const std::string& text, const std::string& inside, std::uint16_t port,
                        std::string& interface) {
  const std::size_t percent = inside.find('%');
  const std::string number = inside.substr(0, percent);
  SocketAddress address{.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = port};
  if (inet_pton(AF_INET6, number.c_str(), address.ip.data()) != 1)
    throw wrong(text, fmt::format("{} is not an IPv6 address", quoted(number)));
  if (percent == std::string::npos) return address;
  const std::string scope = inside.substr(percent + 1);
  if (scope.empty())
    throw wrong(text, "there is no interface after %", "write its name or index, for example [fe80::1%eth0]");
  // For other addresses the kernel ignores it (__ipv6_addr_needs_scope_id()).
  if (!is_link_local(address)) return address;
  if (const auto index = number_of<std::uint32_t>(scope))
    address.scope = *index;
  else
    interface = scope;
  return address;
}

WantedAddress inet_call(const std::string& text, std::string_view rest, int protocol) {
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) throw wrong(text, "there is no port");
  const std::string host(rest.substr(0, colon));
  const std::string_view digits = rest.substr(colon + 1);
  const auto port = number_of<std::uint16_t>(digits);
  if (!port) throw wrong(text, fmt::format("the port is {}, not a number from 0 to 65535", quoted(digits)));
  if (host.empty()) throw wrong(text, "there is no host; * stands for every address");
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (!brackets && host.find(':') != std::string::npos)
    throw wrong(text, "an IPv6 address needs brackets",
                fmt::format("write [{}]:{}", printable(host).text, *port));
  WantedAddress wanted{.call = {.address = {.name = {}}, .directory = {}}, .interface = {}};
  SocketCall& call = wanted.call;
  call.address = brackets ? bracketed(text, host.substr(1, host.size() - 2), *port, wanted.interface)
                          : look_up(text, host, *port);
  call.address_length = call.address.family == AF_INET ? static_cast<int>(sizeof(sockaddr_in))
                                                       : static_cast<int>(sizeof(sockaddr_in6));
  call.is_socket = true;
  call.family = call.address.family;
  call.protocol = static_cast<std::uint16_t>(protocol);
  call.type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
  return wanted;
}

/// "127.0.0.1:80" or "[::1]:80", as records write them. Names are not taken: "http:80" is a mistake.
bool begins_with_ip(const std::string& text) {
  if (text.starts_with('[')) return true;
  in_addr address{};
  return inet_pton(AF_INET, text.substr(0, text.find(':')).c_str(), &address) == 1;
}

}  // namespace

WantedAddress parse_wanted_address(const std::string& text) {
  const std::string_view all = text;
  if (all.starts_with("unix:")) return {unix_call(text, all.substr(5)), {}};
  if (all.starts_with("tcp:")) return inet_call(text, all.substr(4), IPPROTO_TCP);
  if (all.starts_with("udp:")) return inet_call(text, all.substr(4), IPPROTO_UDP);
  if (begins_with_ip(text)) return inet_call(text, all, IPPROTO_TCP);
  if (all.starts_with('/') || all.starts_with('@'))
    throw wrong(text, "it does not say which kind it is",
                fmt::format("write unix:{}; an internet address is written like tcp:127.0.0.1:80",
                            printable(text).text));
  throw wrong(text, "it begins neither with unix:, tcp: or udp: nor with an IP address");
}

}  // namespace sockward
