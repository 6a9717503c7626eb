#include "diagnose/socket_argument.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"

namespace sockward {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool looks_like_path(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || contains(text, "/");
}

/// A name that ends as other files do: socket.txt, sock_test.py.
bool ends_as_other_files(std::string_view name) {
  static constexpr std::string_view kOthers[] = {
      ".txt",  ".log",     ".conf", ".cfg", ".ini", ".json", ".yaml", ".yml",  ".toml", ".xml",
      ".html", ".md",      ".py",   ".pl",  ".sh",  ".c",    ".h",    ".cc",   ".cpp",  ".hpp",
      ".o",    ".so",      ".a",    ".go",  ".rs",  ".js",   ".ts",   ".java", ".rb",   ".lock",
      ".pid",  ".service", ".deb",  ".rpm", ".gz",  ".xz",   ".zst",  ".tar"};
  return std::any_of(std::begin(kOthers), std::end(kOthers),
                     [&](std::string_view other) { return name.ends_with(other); });
}

/// Do the words around a path, or its last component, say that it is a socket's?
bool speaks_of_socket(std::string_view text) {
  return contains(text, "sock") || contains(text, "unix") || text.ends_with(".ctl") || text.ends_with(".s");
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Behind `prefix` when it stands at the start or behind , = or -; empty: it does not.
std::string_view behind(std::string_view text, std::string_view prefix) {
  for (std::size_t at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1))
    if (at == 0 || contains(",=-", text.substr(at - 1, 1))) return text.substr(at + prefix.size());
  return {};
}

std::optional<std::string> if_overlong(std::string_view path) {
  path = path.substr(0, path.find(','));
  if (path.size() <= kUsablePathBytes || !looks_like_path(path)) return std::nullopt;
  return std::string(path);
}

bool takes_socket_option(std::string_view before) {
  return before == "-S" || before == "-s" || (before.starts_with("-") && contains(before, "sock"));
}

/// Behind "ControlPath=" of ssh: -o ControlPath=/…, -oControlPath=/… (in any case, ssh_config(5)). Empty: it
/// is none.
std::string_view control_path(std::string_view text) {
  constexpr std::string_view kKey = "controlpath=";
  if (text.starts_with("-o")) text.remove_prefix(2);
  if (text.size() <= kKey.size()) return {};
  for (std::size_t i = 0; i < kKey.size(); ++i)
    if (const char c = text[i]; (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kKey[i])
      return {};
  return text.substr(kKey.size());
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A letter or digit; a byte of another script's letter counts as one.
bool is_word_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Does a word that goes on with this byte remain the same path?
bool continues_path(char c) {
  return is_word_byte(c) || contains("/.-_+%", std::string_view(&c, 1));
}

bool only_a_number_follows(std::string_view rest) {
  const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  return end > 0 && (end == rest.size() || rest[end] == '.' || rest[end] == '/');
}

/// The path that `text` holds from `at` on.
std::string_view path_at(std::string_view text, std::size_t at) {
  constexpr std::string_view kEnds = " \t\n,;\"'`()<>|&?#";
  return text.substr(at, std::min(text.find_first_of(kEnds, at), text.size()) - at);
}

/// Does a path begin here? At the start, behind = or :, and behind the slashes of unix://.
bool path_begins(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  return before == '=' || before == ':' || (before == '/' && text[at] == '/') ||
         text.substr(0, at).ends_with("://");
}

/// What `used` was cut from, if `text` holds it where a path begins.
std::optional<LongerName> cut_from(std::string_view text, std::string_view used, LongerName::Source source) {
  for (std::size_t at = text.find(used); at != std::string_view::npos; at = text.find(used, at + 1)) {
    if (!path_begins(text, at)) continue;
    const std::string_view whole = path_at(text, at);
    if (whole.size() <= used.size()) continue;
    const std::string_view rest = whole.substr(used.size());
    if (!continues_path(rest.front()) || (rest.front() == '.' && ends_as_other_files(whole))) continue;
    return LongerName{.source = source,
                      .name = std::string(whole),
                      .within_word = is_word_byte(used.back()) && is_word_byte(rest.front()) &&
                                     !only_a_number_follows(rest)};
  }
  return std::nullopt;
}

/// Does `text` hold `used` as a whole path?
bool is_exactly(std::string_view text, std::string_view used) {
  for (std::size_t at = text.find(used); at != std::string_view::npos; at = text.find(used, at + 1))
    if (path_begins(text, at) && (at + used.size() == text.size() || !continues_path(text[at + used.size()])))
      return true;
  return false;
}

std::optional<LongerName> cut_from_argument(const std::string& used, const NameSources& sources) {
  const auto exactly = [&](const std::string& argument) { return is_exactly(argument, used); };
  if (sources.arguments && std::any_of(sources.arguments->begin(), sources.arguments->end(), exactly))
    return std::nullopt;
  for (const PendingName& name : sources.at_exec)
    if (auto found = cut_from(name.path, used, LongerName::Source::argument_at_exec)) {
      found->clipped = name.clipped;
      return found;
    }
  if (sources.arguments)
    for (const std::string& argument : *sources.arguments)
      if (auto found = cut_from(argument, used, LongerName::Source::argument_now)) return found;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> overlong_socket_path(const LongArgument& argument) {
  const std::string_view text = argument.text;
  if (text.find_first_of(" \t\n") != std::string_view::npos) return std::nullopt;  // a script, a sentence
  for (const std::string_view scheme : {"unix://", "unix:", "UNIX-LISTEN:", "UNIX-CONNECT:"})
    if (const auto rest = behind(text, scheme); !rest.empty()) return if_overlong(rest);
  if (const auto rest = behind(text, "path="); !rest.empty())
    return speaks_of_socket(text) ? if_overlong(rest) : std::nullopt;
  if (text.starts_with("-S/")) return if_overlong(text.substr(2));
  if (const auto path = control_path(text); !path.empty()) return if_overlong(path);
  const std::size_t equals = text.find('=');
  const bool option = text.starts_with("-") && equals != std::string_view::npos;
  const std::string_view path = option ? text.substr(equals + 1) : text;
  const bool named = option ? contains(text.substr(0, equals), "sock") : takes_socket_option(argument.before);
  const std::string_view name = last_component(path);
  if (!named && (!speaks_of_socket(name) || ends_as_other_files(name))) return std::nullopt;
  if (!option && text.starts_with("-")) return std::nullopt;
  return if_overlong(path);
}

std::string socket_option(const LongArgument& argument) {
  if (!control_path(argument.text).empty()) return "ControlPath";
  if (argument.text.starts_with("-S/")) return "-S";
  if (argument.text.starts_with('-')) return argument.text.substr(0, argument.text.find('='));
  return argument.before.starts_with('-') ? argument.before : "";
}

std::optional<LongerName> longer_name_of(const std::string& used, const NameSources& sources) {
  if (used.empty()) return std::nullopt;
  if (auto found = cut_from_argument(used, sources)) return found;
  if (!sources.unlinked || sources.resolved.empty() || !sources.unlinked->starts_with(sources.resolved))
    return std::nullopt;
  return cut_from(*sources.unlinked, sources.resolved, LongerName::Source::unlinked_before);
}

bool surely_cut(const std::string& used, const LongerName& longer) {
  if (longer.within_word) return true;
  return used.size() > kUsablePathBytes && longer.name.size() > used.size() &&
         longer.name[used.size()] == '/';
}

std::string longer_name_text(const LongerName& longer) {
  const std::string bytes = fmt::format("{}{} bytes: {}", longer.clipped ? "at least " : "",
                                        longer.name.size(), printable(longer.name).text);
  switch (longer.source) {
    case LongerName::Source::argument_at_exec:
      return "an argument that the process was started with continues where the name stops, " + bytes;
    case LongerName::Source::argument_now:
      return "an argument of the process (as its command line is now) continues where the name stops, " +
             bytes;
    case LongerName::Source::unlinked_before:
      break;
  }
  return "just before, the process tried to remove a path that continues where the name stops, " + bytes;
}

}  // namespace sockward
