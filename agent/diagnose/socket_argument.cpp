#include "diagnose/socket_argument.hpp"

#include <algorithm>
#include <array>
#include <string_view>

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

}  // namespace

std::optional<std::string> overlong_socket_path(const LongArgument& argument) {
  const std::string_view text = argument.text;
  if (text.find_first_of(" \t\n") != std::string_view::npos) return std::nullopt;  // a script, a sentence
  for (const std::string_view scheme : {"unix://", "unix:", "UNIX-LISTEN:", "UNIX-CONNECT:"})
    if (const auto rest = behind(text, scheme); !rest.empty()) return if_overlong(rest);
  if (const auto rest = behind(text, "path="); !rest.empty())
    return speaks_of_socket(text) ? if_overlong(rest) : std::nullopt;
  if (text.starts_with("-S/")) return if_overlong(text.substr(2));
  const std::size_t equals = text.find('=');
  const bool option = text.starts_with("-") && equals != std::string_view::npos;
  const std::string_view path = option ? text.substr(equals + 1) : text;
  const bool named = option ? contains(text.substr(0, equals), "sock") : takes_socket_option(argument.before);
  const std::string_view name = last_component(path);
  if (!named && (!speaks_of_socket(name) || ends_as_other_files(name))) return std::nullopt;
  if (!option && text.starts_with("-")) return std::nullopt;
  return if_overlong(path);
}

}  // namespace sockward
