#pragma once
#include <string>
#include <string_view>

namespace sockward {

/// Bytes from a traced process, made fit for a terminal, a JSON string and a metric label.
struct Printable {
  std::string text;   ///< valid UTF-8 without control characters
  bool exact = true;  ///< false when a byte had to be written as \xNN: text alone does not give the name back
};

/// Nothing but printable ASCII, as nearly every name: printable() would give it back as it is.
bool is_plain(std::string_view bytes);

/// Writes as \xNN every byte that is not part of valid UTF-8, every control character (C0, DEL, C1), and the
/// invisible characters that reorder or hide text (bidirectional controls, zero-width, line separators).
/// A name is raw bytes to the kernel; nothing here trusts it. Never fails.
Printable printable(std::string_view bytes);

/// Standard alphabet with padding, RFC 4648 section 4.
std::string base64(std::string_view bytes);

}  // namespace sockward
