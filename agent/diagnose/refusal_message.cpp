#include "diagnose/refusal_message.hpp"

#include <algorithm>
#include <array>

#include "diagnose/path_budget.hpp"

namespace sockward {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

template <std::size_t N>
bool has_one_of(const std::string& line, const std::array<const char*, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return line.find(word) != std::string::npos; });
}

/// The first word of the line that is an absolute path which does not fit.
std::string long_path_in(std::string_view line) {
  constexpr std::string_view kEnds = " \t\"'`,;:()<>";
  for (std::size_t start = line.find('/'); start != std::string_view::npos; start = line.find('/', start)) {
    const std::size_t end = std::min(line.find_first_of(kEnds, start), line.size());
    if (end - start > kUsablePathBytes) return std::string(line.substr(start, end - start));
    start = end;
  }
  return "";
}

}  // namespace

std::optional<RefusalMessage> refusal_in(std::string_view text) {
  // What programs are known to write: docs/diagnoses/path_refused_in_userspace.md.
  constexpr std::array kLength{"too long", "sun_len", "less than 108", "maximum 107", "sun_path", "exceeds"};
  constexpr std::array kSocket{"socket", "unix", "sun_len", "sun_path"};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string words = lower(line);
    if (!has_one_of(words, kLength) || !has_one_of(words, kSocket)) continue;
    return RefusalMessage{.line = std::string(line), .path = long_path_in(line)};
  }
  return std::nullopt;
}

}  // namespace sockward
