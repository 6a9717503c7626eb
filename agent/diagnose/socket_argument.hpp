#pragma once
#include <optional>
#include <string>
#include <vector>

#include "diagnose/history.hpp"
#include "event/event.hpp"

namespace sockward {

/// The socket path within an argument, if it is one that does not fit (more than 107 bytes): plain, behind
/// `path=`, `unix:`, `unix://`, `-S`, `ControlPath=`, or the value of an option that speaks of a socket.
/// nullopt: a file name that merely is long, a script, or a name that fits. Pure; any bytes are safe.
std::optional<std::string> overlong_socket_path(const LongArgument& argument);

/// The option that such a path is the value of: "-S", "ControlPath", "--unix-socket"; empty: none is seen.
std::string socket_option(const LongArgument& argument);

/// A name that the caller knew, which begins with the one it used and goes on: it was cut.
struct LongerName {
  enum class Source { argument_at_exec, argument_now, unlinked_before };
  Source source = Source::argument_now;
  std::string name;      ///< raw bytes
  bool clipped = false;  ///< it is longer still
  /// The used name ends in the middle of a word of it, which no program that meant this name would choose.
  /// Not so at a slash or dot, nor where only a number follows (worker-1, worker-12).
  bool within_word = false;
};

/// Where a longer name is looked for.
struct NameSources {
  std::vector<PendingName> at_exec;                   ///< socket paths among the arguments, seen at exec
  std::optional<std::vector<std::string>> arguments;  ///< the command line now; nullopt: not visible
  std::optional<std::string> unlinked;  ///< what the process removed, or tried to, just before; resolved
  std::string resolved;                 ///< the used name, resolved
};

/// The name that `used` was cut from. An argument counts if it holds `used` where a path begins (at its
/// start, behind = or :) and goes on as the same path: not behind a comma, a quote or a blank, not as the
/// lock or pid file next to it (.lock, .pid). Nothing is reported when another argument is exactly `used`.
/// Pure.
std::optional<LongerName> longer_name_of(const std::string& used, const NameSources& sources);

/// Is the used name known to be cut from the longer one? It must end within a word; of 108 bytes without NUL,
/// which hardly any program makes on purpose, also before a slash.
bool surely_cut(const std::string& used, const LongerName& longer);

/// "an argument that the process was started with continues where the name stops, 125 bytes: /…"
std::string longer_name_text(const LongerName& longer);

}  // namespace sockward
