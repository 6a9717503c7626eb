#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "terminal/terminal_text.hpp"

namespace sockward {

/// The first line of an answer (docs/contract.md, query socket).
struct AnswerHeader {
  std::string error, next_step;  ///< error empty: there is an answer
  std::int64_t newest_ns = 0;
  bool cut = false;
};
/// nullopt: that is none. Pure.
std::optional<AnswerHeader> parse_answer_header(std::string_view line);

/// The name in a line of an answer to a question for names; empty: there is none. Pure.
std::string name_in_answer(std::string_view line);

/// A group of failures for people: when and what in one line, then holder, cause, evidence and advice as the
/// terminal view shows them. `now` decides whether the day is shown. Empty: the line is no group. Nothing in
/// it can steer a terminal but our own colours.
std::string group_to_terminal(std::string_view line, const TerminalStyle& style, WallTime now);

}  // namespace sockward
