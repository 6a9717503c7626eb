#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sockward {

/// A line in which a program says that a socket's path does not fit.
struct RefusalMessage {
  std::string line;        ///< raw bytes
  std::string path;        ///< the path in it; empty: it names none
  bool truncated = false;  ///< the program says that it cut the path and went on (PHP, perl)
  bool operator==(const RefusalMessage&) const = default;
};

/// Looks for one in what a program wrote before it left. The line must say of a socket's path or name that it
/// is too long: "Message too long", a queue or a request that is, and "File name too long" of a file are
/// said by programs with sockets too. Pure; any bytes are safe.
std::optional<RefusalMessage> refusal_in(std::string_view text);

/// The option whose value the line speaks of ("ControlPath"); empty: it names none.
std::string option_in(std::string_view line);

}  // namespace sockward
