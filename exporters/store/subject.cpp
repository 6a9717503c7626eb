#include "store/subject.hpp"

#include <algorithm>
#include <charconv>

namespace sockward {
namespace {

constexpr std::string_view kUnitTypes[] = {".service", ".socket", ".scope",  ".slice", ".mount", ".automount",
                                           ".timer",   ".path",   ".target", ".swap",  ".device"};
constexpr std::string_view kSchemes[] = {"unix:", "tcp:", "udp:"};
constexpr std::size_t kLongestComm = 15;  // TASK_COMM_LEN, without the NUL

bool is_unit(std::string_view word) {
  return std::any_of(std::begin(kUnitTypes), std::end(kUnitTypes), [word](std::string_view type) {
    return word.size() > type.size() && word.ends_with(type);
  });
}

std::optional<std::uint32_t> whole_number(std::string_view word) {
  std::uint32_t number = 0;
  const char* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

/// A container's id is kept in part.
std::string container_of(std::string_view word) {
  constexpr std::size_t kIdDigits = 64;
  const bool is_id =
      word.size() == kIdDigits && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return std::string(is_id ? word.substr(0, kContainerIdDigits) : word);
}

}  // namespace

std::string_view plain_address(std::string_view address) {
  for (const std::string_view scheme : kSchemes)
    if (address.starts_with(scheme)) return address.substr(scheme.size());
  return address;
}

Subject parse_subject(std::string_view word) {
  Subject subject;
  if (word.empty()) return subject;
  if (const auto number = whole_number(word)) {
    subject.pid = number;
    return subject;
  }
  subject.address = std::string(plain_address(word));
  if (subject.address.size() != word.size() || word.front() == '/' || word.front() == '@') return subject;
  if (is_unit(word)) {
    subject.address.clear();
    subject.unit = std::string(word);
    return subject;
  }
  const std::size_t colon = word.find(':'), slash = word.rfind('/');
  if (colon != std::string_view::npos && colon + 1 < word.size()) {
    const std::string_view name = word.substr(colon + 1);
    if (word.find(':', colon + 1) == std::string_view::npos && word.front() != '[')
      subject.container = container_of(name.substr(name.rfind('/') + 1));
    return subject;
  }
  if (slash != std::string_view::npos) {
    subject.pod = std::string(word.substr(slash + 1));
    return subject;
  }
  subject.unit = std::string(word);
  subject.unit_of_service = std::string(word) + ".service";
  subject.comm = std::string(word.substr(0, kLongestComm));
  subject.container = container_of(word);
  subject.pod = std::string(word);
  return subject;
}

}  // namespace sockward
