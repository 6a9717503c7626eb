#include "page/failure_card.hpp"

#include <rapidjson/document.h>

#include "jsonl/record_fields.hpp"
#include "page/html.hpp"
#include "record/record.hpp"

namespace sockward {
namespace {

using Json = rapidjson::Value;

std::string holder_of(const Json& attributes) {
  Diagnosis diagnosis;
  diagnosis.holder = holder_in(attributes);
  return holder_text(diagnosis);
}

std::vector<std::string> places_of(const Json& attributes) {
  std::vector<std::string> places;
  const std::string pod = text_in(attributes, "k8s.pod.name");
  if (!pod.empty())
    places.push_back("pod " + text_in(attributes, "k8s.namespace.name") + "/" + pod);
  else if (const std::string runtime = text_in(attributes, "container.runtime.name"); !runtime.empty()) {
    const std::string name = text_in(attributes, "container.name");
    places.push_back(
        runtime + ":" +
        (name.empty() ? text_in(attributes, "container.id").substr(0, kContainerIdDigits) : name));
  }
  if (const std::string unit = text_in(attributes, "sockward.unit"); !unit.empty()) places.push_back(unit);
  if (places.empty()) places.emplace_back("host");
  return places;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string time_of(std::int64_t ns) {
  constexpr std::size_t kMilliseconds = 23;  // "2026-11-27T03:11:45.123"
  return rfc3339({ns}).substr(0, kMilliseconds) + "Z";
}

std::string repeats_html(const FailureCard& card) {
  if (card.count <= 1) return "";
  return fmt::format(R"(<span class="count" title="since {0}">{1} times since {0}</span>)",
                     escape_html(time_of(card.first_ns)), card.count);
}

}  // namespace

FailureCard card_of(const RecordGroup& group) {
  FailureCard card{.severity = "warn", .cause = group.newest.cause, .search = group.newest.address};
  card.count = group.count;
  card.first_ns = group.first_ns;
  card.last_ns = group.last_ns;
  if (card.search.empty()) card.search = group.newest.comm;
  rapidjson::Document record;
  record.Parse<rapidjson::kParseIterativeFlag>(group.newest.json.data(), group.newest.json.size());
  const Json* attributes = record.HasParseError() ? nullptr : member(record, "attributes");
  if (attributes == nullptr) {
    card.headline = "the record of this failure cannot be read";
    return card;
  }
  card.severity = lower(text_in(record, "severity_text"));
  card.headline = text_in(record, "body");
  card.confidence = text_in(*attributes, "sockward.confidence");
  card.advice = text_in(*attributes, "sockward.advice");
  card.holder = holder_of(*attributes);
  card.places = places_of(*attributes);
  card.evidence = texts_in(*attributes, "sockward.evidence");
  return card;
}

std::string to_html(const FailureCard& card, const std::string& link) {
  std::string places, evidence;
  for (const auto& place : card.places) places += "<span class=\"chip\">" + escape_html(place) + "</span>";
  for (const auto& item : card.evidence) evidence += "<li>" + escape_html(item) + "</li>";
  std::string html = fmt::format(
      "<article class=\"{}\"><div class=\"meta\"><a class=\"mono\" href=\"{}\" title=\"A link to this "
      "failure\"><time>{}</time></a>{}{}<span class=\"chip\">{}</span><span>{}</span></div>"
      "<p><strong>{}</strong></p><ul>{}</ul>",
      escape_html(card.severity), escape_html(link), escape_html(time_of(card.last_ns)), repeats_html(card),
      places, escape_html(card.cause), escape_html(card.confidence), escape_html(card.headline), evidence);
  if (!card.holder.empty())
    html += "<p>Held by <span class=\"mono\">" + escape_html(card.holder) + "</span></p>";
  if (!card.advice.empty())
    html += "<p class=\"fix\"><strong>Fix</strong> " + escape_html(card.advice) + "</p>";
  return html + "</article>";
}

}  // namespace sockward
