#include "record/record.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/errno_name.hpp"
#include "base/printable.hpp"

namespace sockward {
namespace {

std::string quoted(std::string_view bytes) {
  return "\"" + printable(bytes).text + "\"";
}

const char* error_text(int number) {
  const char* text = strerrordesc_np(number);
  return text == nullptr ? "unknown error" : text;
}

std::string path_subject(const PathCall& call) {
  if (!call.path) return "an unreadable path";
  return quoted(*call.path);
}

std::string name_subject(const Event& event, const NameCall& call) {
  if (!event.failed()) return quoted(call.new_name);
  return call.asked ? quoted(*call.asked) : "an unreadable name";
}

std::string changed_body(const Record& record, const NameCall& call, const std::string& actor) {
  return fmt::format(
      "{} changed the {} name of {} from {} to {}", actor, call.domain ? "domain" : "host",
      record.host_scope ? "the host" : fmt::format("UTS namespace {}", record.event.actor.utsns),
      quoted(call.old_name), quoted(call.new_name));
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "INFO";
    case Severity::warn:
      return "WARN";
    case Severity::error:
      return "ERROR";
  }
  return "INFO";
}

int severity_number(Severity severity) {
  return severity == Severity::error ? 17 : severity == Severity::warn ? 13 : 9;
}

std::string_view to_string(EventName name) {
  switch (name) {
    case EventName::call_failed:
      return "sockward.call.failed";
    case EventName::name_too_long:
      return "sockward.name.too_long";
    case EventName::hostname_changed:
      return "sockward.hostname.changed";
  }
  return "sockward.call.failed";
}

EventName event_name_of(const Event& event) {
  if (event.failed()) return EventName::call_failed;
  return std::holds_alternative<NameCall>(event.call) ? EventName::hostname_changed
                                                      : EventName::name_too_long;
}

Severity severity_of(const Record& record) {
  const bool in_container = record.context.container && !record.context.container->is_host();
  switch (event_name_of(record.event)) {
    case EventName::hostname_changed:
      if (!record.host_scope) return Severity::info;
      return in_container ? Severity::error : Severity::warn;
    case EventName::name_too_long:
      return record.diagnosis.cause == Cause::path_truncated ? Severity::warn : Severity::info;
    case EventName::call_failed:
      break;
  }
  return record.diagnosis.cause == Cause::hostname_denied ? Severity::error : Severity::warn;
}

std::string error_label(const Event& event) {
  if (!event.failed()) return "OK";
  const auto name = errno_name(event.error());
  return name ? std::string(*name) : fmt::format("errno {}", event.error());
}

std::string subject_of(const Event& event) {
  if (const auto* socket = std::get_if<SocketCall>(&event.call)) {
    const auto text = address_text(socket->address);
    return text ? text->text : "an unreadable address";
  }
  if (const auto* path = std::get_if<PathCall>(&event.call)) return path_subject(*path);
  return name_subject(event, std::get<NameCall>(event.call));
}

std::string body_of(const Record& record) {
  const Event& event = record.event;
  const std::string actor = fmt::format("{}[{}]", printable(event.actor.comm).text, event.actor.tgid);
  if (!event.failed()) {
    if (const auto* name = std::get_if<NameCall>(&event.call)) return changed_body(record, *name, actor);
    return fmt::format("{}: {} of {} succeeded with a name at the limit ({})", actor,
                       to_string(event.syscall), subject_of(event), to_string(record.diagnosis.cause));
  }
  return fmt::format("{}: {} of {} failed with {} ({}): {}", actor, to_string(event.syscall),
                     subject_of(event), error_label(event), error_text(event.error()),
                     to_string(record.diagnosis.cause));
}

}  // namespace sockward
