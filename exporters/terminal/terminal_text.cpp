#include "terminal/terminal_text.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/printable.hpp"

namespace sockward {
namespace {

enum class Colour { red, yellow, green, cyan, dim, bold };

std::string paint(const std::string& text, Colour colour, const TerminalStyle& style) {
  static constexpr int kCodes[] = {31, 33, 32, 36, 2, 1};
  if (!style.colour) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(colour)], text);
}

/// Breaks text at spaces so that each line has at most `width` bytes; a longer word stays whole.
std::vector<std::string> wrap(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, end - start);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    start = end + 1;
  }
  return lines;
}

constexpr std::string_view kIndent = "   ";
constexpr std::size_t kLabelWidth = 7;

void add_section(std::string& out, const std::string& label, const std::string& text, const TerminalStyle& style) {
  const std::size_t width = std::max<std::size_t>(style.columns, 40) - kIndent.size() - kLabelWidth;
  bool first = true;
  for (const auto& line : wrap(text, width)) {
    const std::string head = first ? label : "";
    out += fmt::format("\n{}{}{}", kIndent, paint(fmt::format("{:<7}", head), Colour::dim, style), line);
    first = false;
  }
}

Colour outcome_colour(const Record& record) {
  switch (severity_of(record)) {
    case Severity::error: return Colour::red;
    case Severity::warn: return Colour::yellow;
    case Severity::info: return Colour::green;
  }
  return Colour::yellow;
}

std::string headline(const Record& record, const TerminalStyle& style) {
  const Event& event = record.event;
  std::string subject = subject_of(event);
  if (const auto* name = std::get_if<NameCall>(&event.call); name != nullptr && !event.failed())
    subject = fmt::format("\"{}\" -> \"{}\"", printable(name->old_name).text, printable(name->new_name).text);
  const std::string call = event.via == Via::sysctl ? "sysctl" : std::string(to_string(event.syscall));
  std::string line = paint(time_of_day(record.time), Colour::dim, style) + " ";
  line += fmt::format("{:<8} ", call) + paint(fmt::format("{:<12} ", error_label(event)), outcome_colour(record), style);
  line += paint(subject, Colour::bold, style);
  line += fmt::format("  {}[{}] uid={}", printable(event.actor.comm).text, event.actor.tgid, event.actor.uid);
  const std::string container = record.container_label();
  if (container != "host") line += " container=" + paint(container, Colour::cyan, style);
  if (record.repeats != 0) line += fmt::format(" (+{} more)", record.repeats);
  return line;
}

std::string join_evidence(const std::vector<std::string>& evidence) {
  std::string text;
  for (const auto& item : evidence) text += (text.empty() ? "" : "; ") + item;
  return text;
}

}  // namespace

std::string to_terminal(const Record& record, const TerminalStyle& style) {
  const Diagnosis& diagnosis = record.diagnosis;
  std::string text = headline(record, style);
  if (const auto resolved = resolved_path(record.event); resolved && subject_of(record.event).find(*resolved) == std::string::npos)
    add_section(text, "path", printable(*resolved).text, style);
  if (diagnosis.cause == Cause::unknown) {
    add_section(text, "cause", "unknown: " + join_evidence(diagnosis.evidence), style);
    return text;
  }
  const std::string cause = std::string(to_string(diagnosis.cause));
  add_section(text, "cause",
              fmt::format("{} ({}): {}", cause, to_string(diagnosis.confidence), join_evidence(diagnosis.evidence)), style);
  if (!diagnosis.advice.empty()) add_section(text, "fix", diagnosis.advice, style);
  return text;
}

TerminalStyle terminal_style(int fd) {
  TerminalStyle style;
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = isatty(fd) == 1 && (no_colour == nullptr || *no_colour == '\0');
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) style.columns = size.ws_col;
  return style;
}

}  // namespace sockward
