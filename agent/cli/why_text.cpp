// Answers about kept records, as text: read from lines of JSON, which may come from any file.
#include "cli/why_text.hpp"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <ctime>

#include "jsonl/record_fields.hpp"

namespace sockward {
namespace {

using Json = rapidjson::Value;

/// The enumerator whose text it is; the last one where no text is.
template <class Enum>
Enum enum_of(const std::string& text, std::span<const Enum> all) {
  const auto found = std::find_if(all.begin(), all.end(), [&](Enum one) { return to_string(one) == text; });
  return found == all.end() ? all.back() : *found;
}

/// On the host most are: that goes without saying.
std::optional<Holder> shown_holder(const Json& attributes) {
  auto holder = holder_in(attributes);
  if (holder && holder->container == "host") holder->container.clear();
  return holder;
}

Diagnosis diagnosis_in(const Json& attributes) {
  static constexpr Confidence kConfidences[] = {Confidence::certain, Confidence::likely, Confidence::unknown};
  const std::string cause = text_in(attributes, "sockward.cause");
  Diagnosis diagnosis{.cause = enum_of(cause, all_causes()),
                      .confidence = enum_of(text_in(attributes, "sockward.confidence"),
                                            std::span<const Confidence>(kConfidences)),
                      .evidence = texts_in(attributes, "sockward.evidence"),
                      .advice = text_in(attributes, "sockward.advice"),
                      .holder = shown_holder(attributes)};
  // One of a newer version.
  if (to_string(diagnosis.cause) != cause) diagnosis.evidence.insert(diagnosis.evidence.begin(), cause);
  return diagnosis;
}

std::string subject_in(const Json& attributes) {
  const std::string address = text_in(attributes, "sockward.address"),
                    path = text_in(attributes, "sockward.path"),
                    name = text_in(attributes, "sockward.hostname.new");
  if (!address.empty()) return address;
  if (!path.empty()) return "\"" + path + "\"";
  if (!name.empty())
    return fmt::format("\"{}\" -> \"{}\"", text_in(attributes, "sockward.hostname.old"), name);
  return "an unreadable address";
}

std::string actor_in(const Json& attributes, const Json& group, const TerminalStyle& style) {
  const bool of_host = text_in(group, "container").empty() && text_in(group, "pod").empty();
  const auto uid = static_cast<std::uint32_t>(number_in(attributes, "process.user.id"));
  std::string actor = fmt::format("{}[{}] uid={}", text_in(attributes, "process.executable.name"),
                                  number_in(attributes, "process.pid"), user_text(uid, of_host, style));
  for (const char* key : {"unit", "pod", "container"})
    if (const std::string text = text_in(group, key); !text.empty())
      actor += fmt::format(" {}={}", key, text);
  return actor;
}

/// RFC 3339 with nanoseconds, UTC, to the local time of day, with the day where it is another one.
std::string when(const std::string& time, WallTime now) {
  std::tm parts{};
  const char* end = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr) return time;
  const std::time_t seconds = timegm(&parts), today = now.ns / 1'000'000'000;
  std::tm local{}, local_now{};
  localtime_r(&seconds, &local);
  localtime_r(&today, &local_now);
  const bool same_day = local.tm_yday == local_now.tm_yday && local.tm_year == local_now.tm_year;
  char text[40] = "";
  std::strftime(text, sizeof(text), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string bold(const std::string& text, const TerminalStyle& style) {
  return style.colour ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::string headline(const Json& group, const Json& attributes, const TerminalStyle& style, WallTime now) {
  const std::string error = text_in(attributes, "error.type"), subject = subject_in(attributes);
  std::string actor = actor_in(attributes, group, style);
  if (const std::uint64_t count = number_in(group, "count"); count > 1)
    actor += fmt::format(" ({} times since {})", count, when(text_in(group, "first"), now));
  const std::string what =
      fmt::format("{} {:<9} {:<12} ", when(text_in(group, "last"), now),
                  text_in(attributes, "sockward.syscall.name"), error.empty() ? "OK" : error);
  if (what.size() + subject.size() + 2 + actor.size() <= style.columns)
    return fmt::format("{}{}  {}", what, bold(subject, style), actor);
  return fmt::format("{}{}\n   {}", what, bold(subject, style), actor);
}

bool parse(rapidjson::Document& document, std::string_view line) {
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(line.data(),
                                                                                         line.size());
  return !document.HasParseError() && document.IsObject();
}

}  // namespace

std::optional<AnswerHeader> parse_answer_header(std::string_view line) {
  rapidjson::Document document;
  if (!parse(document, line)) return std::nullopt;
  AnswerHeader header{.error = text_in(document, "error"), .next_step = text_in(document, "next")};
  if (!header.error.empty()) return header;
  const Json *newest = member(document, "newest"), *cut = member(document, "cut");
  if (newest == nullptr || !newest->IsInt64() || cut == nullptr || !cut->IsBool()) return std::nullopt;
  header.newest_ns = newest->GetInt64();
  header.cut = cut->GetBool();
  return header;
}

std::string name_in_answer(std::string_view line) {
  rapidjson::Document document;
  return parse(document, line) ? text_in(document, "name") : "";
}

std::string group_to_terminal(std::string_view line, const TerminalStyle& style, WallTime now) {
  rapidjson::Document group;
  if (!parse(group, line)) return "";
  const Json* record = member(group, "record");
  const Json* attributes = record == nullptr ? nullptr : member(*record, "attributes");
  if (attributes == nullptr || !attributes->IsObject()) return "";
  const Diagnosis diagnosis = diagnosis_in(*attributes);
  std::string text = headline(group, *attributes, style, now);
  if (const std::string holder = holder_text(diagnosis); !holder.empty())
    text += to_terminal_section("holder", holder, style);
  return text + to_terminal(diagnosis, style);
}

}  // namespace sockward
