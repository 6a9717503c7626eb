#include "host/network/proc_net.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace sockward {
namespace {

constexpr unsigned kFinWait1 = 4, kFinWait2 = 5, kTimeWait = 6, kClose = 7, kLastAck = 9, kListen = 10,
                   kClosing = 11;
constexpr std::chrono::milliseconds kTimeWaitLength{60'000};  // TCP_TIMEWAIT_LEN

/// The blank-separated word number `index`.
std::string_view word(std::string_view line, std::size_t index) {
  for (;; --index) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string_view::npos) return {};
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find(' '), line.size());
    if (index == 0) return line.substr(0, end);
    line.remove_prefix(end);
  }
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<PortUse> parse_line(std::string_view line, std::uint16_t port) {
  const std::string_view local = word(line, 1), timer = word(line, 5);
  const auto state = number(word(line, 3), 16), inode = number(word(line, 9), 10);
  const std::size_t colon = local.rfind(':');
  if (colon == std::string_view::npos || !state || !inode) return std::nullopt;
  if (number(local.substr(colon + 1), 16) != port) return std::nullopt;
  if (*state == kListen || *state == kClose)
    return PortUse{.state = PortUse::State::bound, .socket_inode = *inode};
  if (*inode != 0) return std::nullopt;
  if (*state == kFinWait1 || *state == kFinWait2 || *state == kLastAck || *state == kClosing)
    return PortUse{};
  if (*state != kTimeWait) return std::nullopt;
  PortUse found{.state = PortUse::State::time_wait};
  // "03:00001770": the time left, in clock ticks of 10 ms.
  const auto left = timer.size() > 3 ? number(timer.substr(3), 16) : std::nullopt;
  if (left && timer.starts_with("03") && std::chrono::milliseconds(*left * 10) <= kTimeWaitLength)
    found.age = kTimeWaitLength - std::chrono::milliseconds(*left * 10);
  return found;
}

/// An address and a port, IPv4 as ::ffff:a.b.c.d.
struct Endpoint {
  std::array<std::uint8_t, 16> ip{};
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

constexpr std::size_t kMapped = 12;  // bytes before the IPv4 address

void put_mapped(const void* four, Endpoint& into) {
  into.ip[10] = into.ip[11] = 0xFF;
  std::memcpy(into.ip.data() + kMapped, four, 4);
}

std::optional<Endpoint> to_endpoint(const SocketAddress& address) {
  Endpoint found{.port = address.port};
  if (address.kind == AddressKind::inet6)
    found.ip = address.ip;
  else if (address.kind == AddressKind::inet)
    put_mapped(address.ip.data(), found);
  else
    return std::nullopt;
  return found;
}

/// "0100007F:1F90": words of four bytes as they are in memory, each written as a number of this machine.
std::optional<Endpoint> parse_endpoint(std::string_view text) {
  constexpr std::size_t kWordDigits = 8, kWords = 4;
  const std::size_t colon = text.find(':');
  if (colon != kWordDigits && colon != kWordDigits * kWords) return std::nullopt;
  const auto port = number(text.substr(colon + 1), 16);
  if (!port || *port > 0xFFFF) return std::nullopt;
  Endpoint found{.port = static_cast<std::uint16_t>(*port)};
  for (std::size_t i = 0; i < colon / kWordDigits; ++i) {
    const auto value = number(text.substr(i * kWordDigits, kWordDigits), 16);
    if (!value) return std::nullopt;
    const auto bytes = static_cast<std::uint32_t>(*value);
    if (colon == kWordDigits)
      put_mapped(&bytes, found);
    else
      std::memcpy(found.ip.data() + 4 * i, &bytes, sizeof(bytes));
  }
  return found;
}

/// Of include/net/tcp_states.h.
std::string state_name(std::uint64_t state) {
  constexpr std::array<const char*, 13> kNames = {
      "UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
      "CLOSE",   "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "SYN_RECV"};
  return kNames[state < kNames.size() ? state : 0];
}

template <class Take>
void for_each_line(std::string_view table, Take take) {
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    take(table.substr(0, end));
    table.remove_prefix(std::min(end + 1, table.size()));
  }
}

}  // namespace

void add_port_uses(std::string_view table, std::uint16_t port, std::vector<PortUse>& found) {
  for_each_line(table, [&](std::string_view line) {
    if (const auto use = parse_line(line, port)) found.push_back(*use);
  });
}

bool lists_socket_named(std::string_view table, std::string_view name) {
  const std::size_t newline = name.rfind('\n');
  const bool cut = newline != std::string_view::npos;
  const std::string_view end = cut ? name.substr(newline + 1) : name;
  bool found = false;
  for_each_line(table, [&](std::string_view line) {
    if (!line.ends_with(end)) return;
    const std::string_view before = line.substr(0, line.size() - end.size());
    found |= cut ? before.empty() : before.ends_with('/') || before.ends_with(' ');
  });
  return found;
}

std::optional<KnownConnection> find_connection(std::string_view table, const SocketAddress& local,
                                               const SocketAddress& remote) {
  constexpr std::size_t kLocal = 1, kRemote = 2, kState = 3, kInode = 9;
  const auto from = to_endpoint(local), to = to_endpoint(remote);
  std::optional<KnownConnection> found;
  if (!from || !to) return found;
  for_each_line(table, [&](std::string_view line) {
    if (found || parse_endpoint(word(line, kLocal)) != from || parse_endpoint(word(line, kRemote)) != to)
      return;
    const auto state = number(word(line, kState), 16), inode = number(word(line, kInode), 10);
    if (state && inode) found = KnownConnection{.socket_inode = *inode, .state = state_name(*state)};
  });
  return found;
}

}  // namespace sockward
