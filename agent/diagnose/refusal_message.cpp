#include "diagnose/refusal_message.hpp"

#include <algorithm>
#include <array>

#include "diagnose/path_budget.hpp"

namespace sockward {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != kNone;
}

bool has_one_of(std::string_view line, const auto& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return contains(line, word); });
}

/// The quote that a word was opened with, at most "unix://" before `start`; 0: none.
char quote_before(std::string_view line, std::size_t start) {
  for (std::size_t at = start; at > 0 && start - at < 9; --at) {
    const char c = line[at - 1];
    if (c == '"' || c == '\'' || c == '`') return c == '`' ? '\'' : c;
    if (c == ' ' || c == '\t') return 0;
  }
  return 0;
}

/// Where the path that begins at `start` ends: at the closing quote, or where a word ends.
std::size_t end_of_path(std::string_view line, std::size_t start) {
  constexpr std::string_view kEnds = " \t\"'`,;:()<>";
  if (const char quote = quote_before(line, start); quote != 0)
    if (const auto close = line.find(quote, start); close != kNone) return close;
  return std::min(line.find_first_of(kEnds, start), line.size());
}

/// The first absolute path in the line that has `least` bytes, and where it begins.
struct PathInLine {
  std::string_view path;
  std::size_t start = 0;
};

PathInLine long_path_in(std::string_view line, std::size_t least = kUsablePathBytes + 1) {
  for (std::size_t start = line.find('/'); start != kNone; start = line.find('/', start)) {
    std::size_t end = end_of_path(line, start);
    while (end - start > 1 && line[start + 1] == '/') ++start;  // unix:///run: the path has one of them
    if (end - start >= least) return {line.substr(start, end - start), start};
    start = std::max(end, start + 1);
  }
  return {};
}

/// Is every component one that file systems take? Then the kernel has not called this path too long (4096
/// bytes and more): the program has, which only happens to addresses of sockets.
bool fits_as_file(std::string_view path) {
  constexpr std::size_t kLongestFile = 140;  // eCryptfs takes 143, others 255
  constexpr std::size_t kLongestPath = 4000;
  std::size_t longest = 0;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    longest = std::max(longest, end - start);
    start = end + 1;
  }
  return longest <= kLongestFile && path.size() < kLongestPath;
}

/// "error creating /…/tmux-0/default (File name too long)" (tmux), "Failed to parse socket address "/…": File
/// name too long" (systemd). The line may have lost its start: the path counts only if it is whole.
bool says_file_name_too_long(std::string_view line, const std::string& words) {
  if (!contains(words, "file name too long")) return false;
  const PathInLine found = long_path_in(line);
  constexpr std::string_view kBefore = " \t\"'`(=:/";
  return !found.path.empty() && found.start > 0 && kBefore.find(line[found.start - 1]) != kNone &&
         fits_as_file(found.path);
}

/// Go makes the error up: "listen unix /…/x.sock: bind: invalid argument", "dial unix …: connect: …". The
/// same is said of a socket that is bound twice, so the name must be too long. It may begin with @.
std::string_view go_path(std::string_view line, const std::string& words) {
  for (const std::string_view end : {": bind: invalid argument", ": connect: invalid argument"})
    for (const std::string_view start : {"listen unix ", "dial unix ", "listen unixgram ", "dial unixgram ",
                                         "listen unixpacket ", "dial unixpacket "}) {
      const std::size_t stop = words.find(end), from = words.rfind(start, stop);
      if (stop == kNone || from == kNone) continue;
      std::string_view path = line.substr(from + start.size(), stop - from - start.size());
      if (const auto both = path.find("->"); both != kNone) path.remove_prefix(both + 2);  // local->remote
      if (path.size() > kUsablePathBytes) return path;
    }
  return {};
}

/// May these words stand between a noun and what is said of it: "socket path "…" is too long"? Anything else
/// makes it a sentence about another thing: "socket address 192.0.2.1: Message too long".
bool only_connects(std::string_view between) {
  constexpr std::array<std::string_view, 14> kConnecting{"is",   "was",   "socket",     "length", "of",
                                                         "has",  "bytes", "characters", "chars",  "long",
                                                         "with", "far",   "name",       "file"};
  constexpr std::string_view kParts = " \t,:()[]=";
  for (std::size_t at = 0; at < between.size();) {
    if (const char c = between[at]; c == '"' || c == '\'' || c == '`') {
      const auto close = between.find(c == '`' ? '\'' : c, at + 1);
      at = close == kNone ? between.size() : close + 1;
      continue;
    }
    const std::size_t end = std::min(between.find_first_of(kParts, at), between.size());
    const std::string_view word = between.substr(at, end - at);
    const bool number = word.find_first_not_of("0123456789") == kNone;
    if (!word.empty() && !number && word.front() != '/' &&
        std::find(kConnecting.begin(), kConnecting.end(), word) == kConnecting.end())
      return false;
    at = end + 1;
  }
  return true;
}

/// Of a socket's path or name, that it is too long.
bool says_too_long(std::string_view words) {
  // Whole phrases first: Rust, qemu's second line, Ruby, nginx, ssh.
  constexpr std::array<std::string_view, 6> kPhrases{
      "must be shorter than sun_len",    "path must be less than 108 bytes",
      "too long unix socket path",       "too long path in the unix domain socket",
      "too long for unix domain socket", "controlpath too long"};
  if (has_one_of(words, kPhrases)) return true;
  constexpr std::array<std::string_view, 10> kNouns{
      "unix path",      "unix domain path", "socket path",     "socket pathname", "socket name",
      "socket address", "socket file",      "path for unioio", "path to socket",  "sun_path"};
  constexpr std::array<std::string_view, 8> kLengths{"too long",      "max length is 10", "maximum 10",
                                                     "exceeds the",   "exceeds max",      "exceeded the",
                                                     "less than 108", "longer than"};
  for (const std::string_view noun : kNouns)
    for (auto at = words.find(noun); at != kNone; at = words.find(noun, at + 1)) {
      const std::string_view behind = words.substr(at + noun.size());
      for (const std::string_view length : kLengths)
        if (const auto found = behind.find(length); found != kNone && only_connects(behind.substr(0, found)))
          return true;
    }
  return false;
}

/// perl: "Path length (125) is longer than maximum supported length (108) and will be truncated". PHP:
/// "socket path exceeded the maximum allowed length of 107 bytes and was truncated".
bool says_truncated(const std::string& words) {
  return (contains(words, "longer than maximum supported length") && contains(words, "will be truncated")) ||
         (contains(words, "socket path exceeded the maximum allowed length") && contains(words, "truncated"));
}

std::optional<RefusalMessage> refusal_in_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);  // ssh
  const std::string words = lower(line);
  RefusalMessage found{.line = std::string(line), .path = {}};
  if (const auto path = go_path(line, words); !path.empty()) {
    found.path = path;
    return found;
  }
  found.truncated = says_truncated(words);
  const bool refused = says_too_long(words);
  if (!found.truncated && !refused && !says_file_name_too_long(line, words)) return std::nullopt;
  constexpr std::size_t kLeastRefused = 107;  // by gpg-agent; the others take as much
  found.path = long_path_in(line, kLeastRefused).path;
  return found;
}

}  // namespace

std::optional<RefusalMessage> refusal_in(std::string_view text) {
  // What programs write was taken from runs of them: docs/diagnoses/path_refused_in_userspace.md.
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto found = refusal_in_line(line)) return found;
  }
  return std::nullopt;
}

std::string option_in(std::string_view line) {
  return contains(line, "ControlPath") ? "ControlPath" : "";
}

}  // namespace sockward
