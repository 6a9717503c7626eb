#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sockward {

/// A line in which a program says that a socket's path does not fit.
struct RefusalMessage {
  std::string line;  ///< raw bytes
  std::string path;  ///< the path in it; empty: it names none
};

/// Looks for one in what a program wrote before it left. The line must speak of a socket and of a length:
/// "File name too long" alone is said of any file. Pure; any bytes are safe.
std::optional<RefusalMessage> refusal_in(std::string_view text);

}  // namespace sockward
