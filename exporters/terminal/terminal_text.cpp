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

bool inside_character(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

enum class LongWord { cut, elide };

/// Breaks text at spaces so that each line has at most `width` bytes; a longer word, a path say, is cut, or
/// its middle left out.
std::vector<std::string> wrap(const std::string& text, std::size_t width, LongWord long_word) {
  std::vector<std::string> lines(1);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    std::string word = text.substr(start, end - start);
    if (long_word == LongWord::elide) word = elide_middle(word, width);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    while (word.size() > width) {
      std::size_t cut = width;
      while (inside_character(word, cut)) --cut;
      lines.back() += word.substr(0, cut);
      word.erase(0, cut);
      lines.emplace_back();
    }
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    start = end + 1;
  }
  return lines;
}

LongWord where_shown(const TerminalStyle& style) {
  return style.elide ? LongWord::elide : LongWord::cut;
}

constexpr std::string_view kIndent = "   ";
constexpr std::size_t kLabelWidth = 7;

void add_section(std::string& out, const std::string& label, const std::string& text,
                 const TerminalStyle& style, LongWord long_word) {
  const std::size_t width = std::max<std::size_t>(style.columns, 40) - kIndent.size() - kLabelWidth;
  bool first = true;
  for (const auto& line : wrap(text, width, long_word)) {
    const std::string head = first ? label : "";
    out += fmt::format("\n{}{}{}", kIndent, paint(fmt::format("{:<7}", head), Colour::dim, style), line);
    first = false;
  }
}

Colour outcome_colour(const Record& record) {
  switch (severity_of(record)) {
    case Severity::error:
      return Colour::red;
    case Severity::warn:
      return Colour::yellow;
    case Severity::info:
      return Colour::green;
  }
  return Colour::yellow;
}

std::string headline_subject(const Record& record) {
  const auto* name = std::get_if<NameCall>(&record.event.call);
  if (name == nullptr || record.event.failed()) return subject_of(record);
  return fmt::format(R"("{}" -> "{}")", printable(name->old_name).text, printable(name->new_name).text);
}

/// Time, call, outcome, subject and actor; the actor goes to a line of its own where the subject is long.
std::string headline(const Record& record, const TerminalStyle& style) {
  const Event& event = record.event;
  const auto* end = std::get_if<ProcessExit>(&event.call);
  const std::string call = event.via == Via::sysctl ? "sysctl"
                           : end != nullptr         ? "exit"
                                                    : std::string(to_string(event.syscall));
  const std::string subject = headline_subject(record);
  const std::string container = record.container_label();
  std::string actor = fmt::format("{}[{}] uid={}", printable(event.actor.comm).text, event.actor.tgid,
                                  user_text(event.actor.uid, container == "host", style));
  if (container != "host") actor += " container=" + container;
  if (record.repeats != 0) actor += fmt::format(" (+{} more)", record.repeats);
  const std::string time = time_of_day(record.time), columns = fmt::format("{:<13} ", call);
  const std::string outcome = fmt::format(
      "{:<12} ", end != nullptr ? fmt::format("status {}", end->exit_code()) : error_label(event));
  const bool fits =
      time.size() + 1 + columns.size() + outcome.size() + subject.size() + 2 + actor.size() <= style.columns;
  std::string line =
      paint(time, Colour::dim, style) + " " + columns + paint(outcome, outcome_colour(record), style);
  if (fits) return line + paint(subject, Colour::bold, style) + "  " + paint(actor, Colour::cyan, style);
  line += paint(actor, Colour::cyan, style);
  for (const auto& part :
       wrap(subject, std::max<std::size_t>(style.columns, 40) - kIndent.size(), where_shown(style)))
    line += fmt::format("\n{}{}", kIndent, paint(part, Colour::bold, style));
  return line;
}

std::string join_evidence(const std::vector<std::string>& evidence) {
  std::string text;
  for (const auto& item : evidence) text += (text.empty() ? "" : "; ") + printable(item).text;
  return text;
}

}  // namespace

std::string user_text(std::uint32_t uid, bool of_host, const TerminalStyle& style) {
  return of_host && style.user_text ? style.user_text(uid) : fmt::format("{}", uid);
}

std::string elide_middle(const std::string& word, std::size_t width) {
  static constexpr std::string_view kGap = "…";
  width = std::max<std::size_t>(width, 8);
  if (word.size() <= width) return word;
  const std::size_t room = width - kGap.size();
  std::size_t tail = room / 2;
  // With its slash; something of the beginning stays.
  if (const std::size_t slash = word.rfind('/'); slash != std::string::npos && word.size() - slash > tail)
    if (word.size() - slash + 2 <= room) tail = word.size() - slash;
  std::size_t head = room - tail, from = word.size() - tail;
  while (inside_character(word, head)) --head;
  while (inside_character(word, from)) ++from;
  return word.substr(0, head) + std::string(kGap) + word.substr(from);
}

std::string to_terminal(const Record& record, const TerminalStyle& style) {
  const Diagnosis& diagnosis = record.diagnosis;
  std::string text = headline(record, style);
  if (const auto resolved = resolved_path(record.event);
      resolved && subject_of(record).find(*resolved) == std::string::npos)
    add_section(text, "path", printable(*resolved).text, style, LongWord::cut);
  return text + to_terminal(diagnosis, style);
}

std::string to_terminal_section(const std::string& label, const std::string& text,
                                const TerminalStyle& style) {
  std::string out;
  add_section(out, label, text, style, LongWord::cut);
  return out;
}

std::string to_terminal(const Diagnosis& diagnosis, const TerminalStyle& style) {
  std::string text;
  if (diagnosis.cause == Cause::unknown) {
    add_section(text, "cause", "unknown: " + join_evidence(diagnosis.evidence), style, where_shown(style));
    return text;
  }
  const std::string cause = std::string(to_string(diagnosis.cause));
  add_section(
      text, "cause",
      fmt::format("{} ({}): {}", cause, to_string(diagnosis.confidence), join_evidence(diagnosis.evidence)),
      style, where_shown(style));
  // It may be meant to be copied.
  if (!diagnosis.advice.empty())
    add_section(text, "fix", printable(diagnosis.advice).text, style, LongWord::cut);
  return text;
}

TerminalStyle terminal_style(int fd) {
  TerminalStyle style;
  const char* no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): before any thread starts
  style.colour = isatty(fd) == 1 && (no_colour == nullptr || *no_colour == '\0');
  style.elide = isatty(fd) == 1;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) style.columns = size.ws_col;
  return style;
}

}  // namespace sockward
