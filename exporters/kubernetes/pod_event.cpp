#include "kubernetes/pod_event.hpp"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "base/camel_case.hpp"
#include "base/fnv1a.hpp"
#include "base/printable.hpp"
#include "record/message.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr const char* kController = "sockward.io/agent";
// Limits of the API (pkg/apis/core/validation/events.go), in bytes.
constexpr std::size_t kLongestNote = 1024, kLongestInstance = 128, kLongestName = 253;

/// RFC 1123, as the API has it. It also keeps what is in a path of a URL from leading elsewhere.
bool is_name(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= kLongestName && plain(text.front()) && plain(text.back()) &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

/// At most so many bytes, whole characters, with a sign that something was cut.
void shorten(std::string& text, std::size_t most) {
  constexpr std::string_view kCut = "…";
  if (text.size() <= most) return;
  std::size_t end = most - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += kCut;
}

/// MicroTime of Kubernetes takes six digits, no more and no fewer.
std::string micro_time(WallTime time) {
  std::string text = rfc3339(time);
  return text.erase(text.size() - 4, 3);
}

void add(Writer& out, const char* name, const std::string& value) {
  out.Key(name);
  out.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
}

void add_series(Writer& out, std::uint64_t times, WallTime last) {
  out.Key("series");
  out.StartObject();
  out.Key("count");
  out.Uint64(std::min<std::uint64_t>(times, INT32_MAX));
  add(out, "lastObservedTime", micro_time(last));
  out.EndObject();
}

void add_pod(Writer& out, const PodEvent& event) {
  out.Key("regarding");
  out.StartObject();
  add(out, "apiVersion", "v1");
  add(out, "kind", "Pod");
  add(out, "namespace", event.pod_namespace);
  add(out, "name", event.pod);
  add(out, "uid", event.pod_uid);
  if (!event.container.empty()) add(out, "fieldPath", "spec.containers{" + event.container + "}");
  out.EndObject();
}

}  // namespace

std::string reason_of(Cause cause) {
  return camel_case(to_string(cause));
}

bool is_of_pod(const Record& record) {
  const auto& container = record.context.container;
  return container && (!container->pod_uid.empty() || !container->pod.empty());
}

std::optional<PodEvent> pod_event_of(const Record& record, const std::string& instance) {
  if (!is_of_pod(record)) return std::nullopt;
  const ContainerIdentity& container = *record.context.container;
  if (!is_name(container.pod_namespace) || !is_name(container.pod) || !is_name(container.pod_uid))
    return std::nullopt;
  PodEvent event{.key = {},
                 .pod_namespace = container.pod_namespace,
                 .pod = container.pod,
                 .pod_uid = container.pod_uid,
                 .container = is_name(container.pod_container) ? container.pod_container : "",
                 .reason = reason_of(record.diagnosis.cause),
                 .action = camel_case(to_string(record.event.syscall)),
                 .note = message_of(record),
                 .instance = printable(instance).text,
                 .warning = severity_of(record) != Severity::info,
                 .time = record.time,
                 .times = 1 + record.repeats};
  shorten(event.note, kLongestNote);
  shorten(event.instance, kLongestInstance);
  event.key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", event.pod_namespace, event.pod, event.pod_uid,
                          event.container, event.reason, event.action, event.warning, subject_of(record));
  return event;
}

void add_left_out(PodEvent& event, std::uint64_t number) {
  if (number == 0) return;
  const std::string addition = fmt::format(" ({} Events of this pod were left out before)", number);
  shorten(event.note, kLongestNote - addition.size());
  event.note += addition;
}

std::string object_name(const PodEvent& event) {
  const auto time = static_cast<std::uint64_t>(event.time.ns);
  const std::string number = fmt::format(".{:016x}", fnv1a(event.key, kFnv1aStart ^ time));
  std::string name = event.pod.substr(0, kLongestName - number.size());
  while (name.ends_with('.') || name.ends_with('-')) name.pop_back();
  return name + number;
}

std::string creation_of(const PodEvent& event, const std::string& name, std::uint64_t times, WallTime last) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  add(out, "apiVersion", "events.k8s.io/v1");
  add(out, "kind", "Event");
  out.Key("metadata");
  out.StartObject();
  add(out, "name", name);
  add(out, "namespace", event.pod_namespace);
  out.EndObject();
  add(out, "eventTime", micro_time(event.time));
  add(out, "type", event.warning ? "Warning" : "Normal");
  add(out, "reason", event.reason);
  add(out, "action", event.action);
  add(out, "note", event.note);
  add_pod(out, event);
  add(out, "reportingController", kController);
  add(out, "reportingInstance", event.instance);
  if (times > 1) add_series(out, times, last);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string series_patch(std::uint64_t times, WallTime last) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  add_series(out, times, last);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace sockward
