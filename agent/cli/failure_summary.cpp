#include "cli/failure_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.hpp"

namespace sockward {
namespace {

constexpr std::size_t kMostSubjects = 1000;  ///< of one cause that are told apart
constexpr std::size_t kShown = 5;            ///< of them that are shown

/// "bind EADDRINUSE 0.0.0.0:80 by nginx, held by nginx[812] uid 0"
std::string subject_line(const Record& record) {
  std::string line = fmt::format("{} {} {} by {}", to_string(record.event.syscall), error_label(record.event),
                                 subject_of(record), printable(record.event.actor.comm).text);
  const std::string holder = holder_text(record.diagnosis);
  return holder.empty() ? line : line + ", held by " + holder;
}

template <class Map>
std::vector<const typename Map::value_type*> most_frequent_first(const Map& map, auto count_of) {
  std::vector<const typename Map::value_type*> sorted;
  for (const auto& entry : map) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto* one, const auto* other) { return count_of(*one) > count_of(*other); });
  return sorted;
}

}  // namespace

void FailureSummary::add(const Record& record) {
  const std::uint64_t calls = 1 + record.repeats;
  if (record.event.failed()) failures_ += calls;
  Cause& cause = causes_[std::string(to_string(record.diagnosis.cause))];
  cause.count += calls;
  cause.advice = printable(record.diagnosis.advice).text;
  const std::string line = subject_line(record);
  const auto known = cause.subjects.find(line);
  if (known != cause.subjects.end())
    known->second += calls;
  else if (cause.subjects.size() < kMostSubjects)
    cause.subjects.emplace(line, calls);
  else
    cause.others += calls;
}

void FailureSummary::add_cause(std::string& text, const std::string& name, const Cause& cause,
                               const TerminalStyle& style) const {
  text += fmt::format("{}{:>6} {}", text.empty() ? "" : "\n", cause.count, name);
  const auto subjects = most_frequent_first(cause.subjects, [](const auto& entry) { return entry.second; });
  std::uint64_t others = cause.others;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const auto& [line, count] = *subjects[i];
    if (i >= kShown)
      others += count;
    else
      text += to_terminal_section(fmt::format("{:>5}", count), line, style);
  }
  if (others != 0) text += to_terminal_section(fmt::format("{:>5}", others), "others", style);
  if (!cause.advice.empty()) text += to_terminal_section("  fix", cause.advice, style);
}

std::string FailureSummary::text(const TerminalStyle& style) const {
  std::string text;
  for (const auto* entry : most_frequent_first(causes_, [](const auto& one) { return one.second.count; }))
    add_cause(text, entry->first, entry->second, style);
  return text;
}

}  // namespace sockward
