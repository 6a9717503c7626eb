#include "diagnose/path_budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.hpp"

namespace sockward {
namespace {

bool all_of(std::string_view text, bool (*is)(char)) {
  return std::all_of(text.begin(), text.end(), is);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// ".fktgaYrXsYHZrIVZ", a dot and 16 random letters and digits: ssh links the name to the ControlPath later.
std::size_t ssh_temporary(std::string_view path) {
  constexpr std::size_t kBytes = 17;
  if (path.size() <= kBytes) return 0;
  const std::string_view end = path.substr(path.size() - kBytes);
  return end[0] == '.' && all_of(end.substr(1), is_alphanumeric) ? kBytes : 0;
}

/// "/.s.PGSQL.5432"
std::size_t postgres_socket(std::string_view path) {
  constexpr std::string_view kName = "/.s.PGSQL.";
  const std::size_t at = path.rfind(kName);
  if (at == std::string_view::npos) return 0;
  const std::string_view port = path.substr(at + kName.size());
  return !port.empty() && port.size() <= 5 && all_of(port, is_digit) ? path.size() - at : 0;
}

/// "/S.gpg-agent", ".extra", ".browser", ".ssh": all four of them.
std::size_t gpg_agent_socket(std::string_view path) {
  constexpr std::string_view kName = "/S.gpg-agent";
  const std::size_t at = path.rfind(kName);
  if (at == std::string_view::npos) return 0;
  const std::string_view rest = path.substr(at + kName.size());
  const bool known = rest.empty() || rest == ".extra" || rest == ".browser" || rest == ".ssh";
  return known ? path.size() - at : 0;
}

/// "/tmux-0/default"
std::size_t tmux_socket(std::string_view path) {
  constexpr std::string_view kFolder = "/tmux-";
  const std::size_t at = path.rfind(kFolder);
  if (at == std::string_view::npos) return 0;
  const std::string_view user = path.substr(at + kFolder.size());
  const std::size_t slash = user.find('/');
  const bool known = slash != std::string_view::npos && slash > 0 &&
                     all_of(user.substr(0, slash), is_digit) &&
                     user.find('/', slash + 1) == std::string_view::npos;
  return known ? path.size() - at : 0;
}

/// What one program adds. Each line was seen in a run of the real program under strace; another is added
/// here.
struct Addition {
  std::string_view program;                ///< comm; empty: any (clients in many programs)
  std::size_t (*bytes)(std::string_view);  ///< of the end of a path that it added; 0: it did not
  std::size_t most;                        ///< added to other names of the same set; 0: no others
  std::string_view option;                 ///< options that take the name, parted by spaces
  std::string_view adds, is_called;
};

constexpr Addition kAdditions[] = {
    {"ssh", ssh_temporary, 17, "-S ControlPath", "ssh binds a temporary name {} bytes longer first",
     "the ControlPath"},
    {"gpg-agent", gpg_agent_socket, 21, "",
     "gpg-agent takes {} bytes more (/S.gpg-agent.browser and one spare)", "its directory"},
    {"tmux: server", tmux_socket, 0, "", "tmux adds {} bytes (/tmux-UID/NAME)",
     "its directory, TMUX_TMPDIR,"},
    {"tmux: client", tmux_socket, 0, "", "tmux adds {} bytes (/tmux-UID/NAME)",
     "its directory, TMUX_TMPDIR,"},
    {"tmux", tmux_socket, 0, "", "tmux adds {} bytes (/tmux-UID/NAME)", "its directory, TMUX_TMPDIR,"},
    {"", postgres_socket, 0, "", "PostgreSQL adds {} bytes (/.s.PGSQL.PORT)", "the socket directory"},
};

bool has_word(std::string_view words, std::string_view word) {
  for (std::size_t start = 0; start < words.size();) {
    const std::size_t end = std::min(words.find(' ', start), words.size());
    if (words.substr(start, end - start) == word) return true;
    start = end + 1;
  }
  return false;
}

}  // namespace

PathBudget budget_of(std::string_view path, std::size_t limit) {
  PathBudget budget;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end - start > budget.bytes) {
      budget.component = path.substr(start, end - start);
      budget.bytes = end - start;
    }
    start = end + 1;
  }
  const std::size_t rest = path.size() - budget.bytes;
  budget.may_have = rest < limit ? limit - rest : 0;
  return budget;
}

std::string budget_text(std::string_view path, std::size_t limit) {
  const PathBudget budget = budget_of(path, limit);
  const std::string name = printable(budget.component).text;
  if (budget.may_have == 0)
    return fmt::format("the longest component, \"{}\", has {} bytes; even without it the path is too long",
                       name, budget.bytes);
  return fmt::format("the longest component, \"{}\", has {} bytes: at most {} fit", name, budget.bytes,
                     budget.may_have);
}

std::optional<ChosenName> chosen_name(std::string_view program, std::string_view path) {
  for (const Addition& addition : kAdditions) {
    if (!addition.program.empty() && addition.program != program) continue;
    const std::size_t bytes = addition.bytes(path);
    if (bytes == 0) continue;
    return ChosenName{.path = std::string(path.substr(0, path.size() - bytes)),
                      .added = std::max(bytes, addition.most),
                      .program_adds = addition.adds,
                      .is_called = addition.is_called};
  }
  return std::nullopt;
}

std::optional<ChosenName> chosen_argument(std::string_view program, std::string_view option,
                                          std::string_view path) {
  for (const Addition& addition : kAdditions)
    if (addition.program == program && has_word(addition.option, option))
      return ChosenName{.path = std::string(path),
                        .added = addition.most,
                        .program_adds = addition.adds,
                        .is_called = addition.is_called};
  return std::nullopt;
}

std::string chosen_text(const ChosenName& chosen) {
  return fmt::format("{}: {} may have {} bytes, it has {}",
                     fmt::format(fmt::runtime(chosen.program_adds), chosen.added), chosen.is_called,
                     chosen.may_have(), chosen.path.size());
}

std::vector<std::string> budget_texts(std::string_view program, std::string_view option,
                                      std::string_view path) {
  auto chosen = chosen_name(program, path);
  if (!chosen) chosen = chosen_argument(program, option, path);
  if (!chosen || chosen->path.size() <= chosen->may_have()) return {budget_text(path)};
  return {chosen_text(*chosen), budget_text(chosen->path, chosen->may_have())};
}

std::string shorten_advice() {
  return "use a shorter directory (TMPDIR, XDG_RUNTIME_DIR, the program's state directory) or a shorter "
         "name; or "
         "start the program in that directory with a relative path, bind-mount the directory to a short one, "
         "or use "
         "an abstract name";
}

}  // namespace sockward
