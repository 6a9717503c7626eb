#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "record/record.hpp"

namespace sockward {

struct TerminalStyle {
  bool colour = false;
  std::size_t columns = 100;  ///< lines are wrapped to this; 40 at least
  bool elide = false;  ///< leave out the middle of a path that is longer than a line: people look at it
  /// A user of the host with its name, "1000(alice)"; empty: the number alone. Of containers names are not
  /// known: their users are others.
  std::function<std::string(std::uint32_t)> user_text = {};
};

/// A record for people: what happened in one line, then cause, evidence and advice, without a final newline.
/// Nothing in it can steer a terminal but our own colours.
std::string to_terminal(const Record& record, const TerminalStyle& style);

/// A user, with its name where that is known.
std::string user_text(std::uint32_t uid, bool of_host, const TerminalStyle& style);

/// A word of at most `width` bytes (8 at least): of a longer one its beginning, "…" and its end. The last
/// component of a path is whole if it fits. `word` is printable.
std::string elide_middle(const std::string& word, std::size_t width);

/// A labelled text, wrapped and indented, each line with a break before it. `text` is printable.
std::string to_terminal_section(const std::string& label, const std::string& text,
                                const TerminalStyle& style);
/// The cause with its evidence, and what to do.
std::string to_terminal(const Diagnosis& diagnosis, const TerminalStyle& style);

/// Colours when the descriptor is a terminal and NO_COLOR is not set (no-color.org); the terminal's width,
/// else 100.
TerminalStyle terminal_style(int fd);

}  // namespace sockward
