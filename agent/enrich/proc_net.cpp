#include "enrich/proc_net.hpp"

#include <charconv>
#include <optional>

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
  bool found = false;
  for_each_line(table, [&](std::string_view line) {
    found |= line.ends_with(name) && line.size() > name.size() &&
             (line[line.size() - name.size() - 1] == '/' || line[line.size() - name.size() - 1] == ' ');
  });
  return found;
}

}  // namespace sockward
