// The settings as text: the annotated YAML, and what --help says of a flag.
#include <fmt/format.h>

#include "config/settings_table.hpp"

namespace sockward {
namespace {

// Two columns less than documents may have: sockward.yml has "# " in front of each line.
constexpr std::size_t kColumns = 108;
constexpr std::size_t kComments = 29;  // the column where they begin, beside a short line

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;
  if (bytes == 0 || bytes % kKiB != 0) return std::to_string(bytes);
  return bytes % kMiB == 0 ? fmt::format("{}MiB", bytes / kMiB) : fmt::format("{}KiB", bytes / kKiB);
}

std::string duration_text(std::uint64_t seconds) {
  if (seconds == 0) return "0";
  if (seconds % 3600 == 0) return fmt::format("{}h", seconds / 3600);
  return seconds % 60 == 0 ? fmt::format("{}m", seconds / 60) : fmt::format("{}s", seconds);
}

/// Quoted where YAML could take it for something else than a text.
std::string quoted(const std::string& text) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._*-";
  const bool plain =
      !text.empty() && text.find_first_not_of(kPlain) == std::string::npos && text.find_first_of("*-.") != 0;
  if (plain) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

/// What stands behind the colon of a key; a list of several has lines of its own.
struct ValueText {
  const Settings& settings;

  std::string operator()(const kind::Text& text) const { return " " + quoted(text.at.of(settings)); }
  std::string operator()(const kind::TextOrOff& text) const {
    return " " + quoted(text.at.of(settings).value_or("off"));
  }
  std::string operator()(const kind::Switch& flag) const { return flag.at.of(settings) ? " true" : " false"; }
  std::string operator()(const kind::Number& number) const {
    return " " + std::to_string(number.at.of(settings));
  }
  std::string operator()(const kind::Bytes& bytes) const { return " " + bytes_text(bytes.at.of(settings)); }
  std::string operator()(const kind::Duration& duration) const {
    return " " + duration_text(static_cast<std::uint64_t>(duration.at.of(settings).count()));
  }
  std::string operator()(const kind::List& list) const {
    const auto& values = list.at.of(settings);
    if (values.size() > 1) return "";
    return values.empty() ? " []" : fmt::format(" [{}]", quoted(values.front()));
  }
  std::string operator()(const kind::Labels& labels) const {
    std::string text;
    for (const auto& [name, value] : labels.at.of(settings))
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, quoted(value));
    return fmt::format(" {{{}}}", text);
  }
  std::string operator()(const kind::Choice& choice) const {
    return fmt::format(" {}", choice.names[choice.at.of(settings)]);
  }
};

std::string range_text(const Range& range, std::string (*text)(std::uint64_t)) {
  if (range.most == Range::kNoEnd) return "";
  return fmt::format(" ({} to {})", text(range.least), text(range.most));
}

/// What a setting means, with its choices or its range.
struct Meaning {
  std::string_view help;

  std::string operator()(const kind::Number& number) const {
    return std::string(help) +
           range_text(number.range, [](std::uint64_t value) { return std::to_string(value); });
  }
  std::string operator()(const kind::Bytes& bytes) const {
    return std::string(help) + range_text(bytes.range, bytes_text);
  }
  std::string operator()(const kind::Duration& duration) const {
    return std::string(help) + range_text(duration.range, duration_text);
  }
  std::string operator()(const kind::Choice& choice) const {
    return fmt::format("{}; {}", fmt::join(choice.names, " | "), help);
  }
  std::string operator()(const auto& /*kind*/) const { return std::string(help); }
};

/// A comment in lines of its own, broken between words.
std::string above(std::string_view comment, std::string_view indent) {
  std::string text, line;
  const auto end_line = [&] {
    if (!line.empty()) text += fmt::format("{}#{}\n", indent, line);
    line.clear();
  };
  while (!comment.empty()) {
    const std::string_view word = comment.substr(0, comment.find(' '));
    comment.remove_prefix(std::min(word.size() + 1, comment.size()));
    if (indent.size() + 1 + line.size() + 1 + word.size() > kColumns) end_line();
    line.append(" ").append(word);
  }
  end_line();
  return text;
}

/// A line with its comment: behind it where both fit, else above.
std::string commented(const std::string& line, std::string_view comment, std::string_view indent) {
  if (comment.empty()) return line + "\n";
  const std::string beside = fmt::format("{:<{}}  # {}", line, kComments - 2, comment);
  return beside.size() <= kColumns ? beside + "\n" : above(comment, indent) + line + "\n";
}

}  // namespace

std::string annotated_settings(const Settings& settings) {
  std::string text;
  for (const SettingsSection& section : settings_table()) {
    text += commented(fmt::format("{}:", section.name), section.help, "");
    for (const Setting& setting : section.settings) {
      const std::string value = std::visit(ValueText{settings}, setting.kind);
      text += commented(fmt::format("  {}:{}", setting.key, value),
                        std::visit(Meaning{setting.help}, setting.kind), "  ");
      if (const auto* list = std::get_if<kind::List>(&setting.kind); list != nullptr && value.empty())
        for (const std::string& item : list->at.of(settings)) text += fmt::format("    - {}\n", quoted(item));
    }
  }
  return text;
}

std::string flag_help(const Setting& setting) {
  const Settings defaults;
  std::string value;
  if (const auto* list = std::get_if<kind::List>(&setting.kind))
    value = fmt::format("{}", fmt::join(list->at.of(defaults), ", "));
  else if (!std::holds_alternative<kind::Switch>(setting.kind))
    value = std::visit(ValueText{defaults}, setting.kind).substr(1);
  if (value.empty() || value == "\"\"") return std::string(setting.help);
  return fmt::format("{} (default: {})", setting.help, value);
}

}  // namespace sockward
