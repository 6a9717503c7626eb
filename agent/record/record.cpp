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

std::string_view to_string(EventName name) {
  switch (name) {
    case EventName::call_failed:
      return "sockward.call.failed";
    case EventName::name_too_long:
      return "sockward.name.too_long";
    case EventName::name_stolen:
      return "sockward.name.stolen";
    case EventName::hostname_changed:
      return "sockward.hostname.changed";
  }
  return "sockward.call.failed";
}

EventName event_name_of(const Record& record) {
  const Event& event = record.event;
  if (event.failed()) return EventName::call_failed;
  if (std::holds_alternative<NameCall>(event.call)) return EventName::hostname_changed;
  return record.diagnosis.cause == Cause::name_stolen ? EventName::name_stolen : EventName::name_too_long;
}

bool is_reportable(const Record& record) {
  return record.event.failed() || record.diagnosis.cause != Cause::unknown;
}

Severity severity_of(const Record& record) {
  if (event_name_of(record) != EventName::hostname_changed) return usual_severity(record.diagnosis.cause);
  const bool in_container = record.context.container && !record.context.container->is_host();
  const auto* call = std::get_if<NameCall>(&record.event.call);
  if (!record.host_scope || call->first) return Severity::info;
  if (record.diagnosis.flap && !in_container) return Severity::info;
  return in_container ? Severity::error : Severity::warn;
}

std::string error_label(const Event& event) {
  if (!event.failed()) return "OK";
  if (event.given_up()) return std::string(to_string(ConnectOutcome::given_up));
  const auto name = errno_name(event.error());
  return name ? std::string(*name) : fmt::format("errno {}", event.error());
}

std::string subject_of(const Record& record) {
  const Event& event = record.event;
  if (!record.diagnosis.name.empty()) return "unix:" + printable(record.diagnosis.name).text;
  if (const auto* socket = std::get_if<SocketCall>(&event.call)) {
    const auto text = address_text(socket->address);
    return text ? text->text : "an unreadable address";
  }
  if (const auto* path = std::get_if<PathCall>(&event.call)) return path_subject(*path);
  if (const auto* name = std::get_if<NameCall>(&event.call)) return name_subject(event, *name);
  return "a socket path";
}

namespace {

std::string place_text(const std::string& container) {
  if (container.empty()) return "";
  return container == "host" ? " on the host" : " in " + printable(container).text;
}

std::string success_body(const Record& record, const std::string& actor) {
  const Event& event = record.event;
  if (const auto* name = std::get_if<NameCall>(&event.call)) return changed_body(record, *name, actor);
  const std::string subject = subject_of(record);
  if (std::holds_alternative<ProcessExit>(event.call))
    return fmt::format("{} refused a socket path that does not fit and left: {}", actor, subject);
  if (record.diagnosis.cause == Cause::name_stolen)
    return fmt::format("{} took the name {} from a server that still runs", actor, subject);
  return fmt::format("{}: {} of {} succeeded with a name at the limit ({})", actor, to_string(event.syscall),
                     subject, to_string(record.diagnosis.cause));
}

}  // namespace

std::string caller_text(const Record& record) {
  const Actor& actor = record.event.actor;
  return fmt::format("{}[{}] uid {}", printable(actor.comm).text, actor.tgid, actor.uid);
}

std::string holder_text(const Diagnosis& diagnosis) {
  if (!diagnosis.holder) return "";
  const Holder& holder = *diagnosis.holder;
  if (holder.kind == Holder::Kind::kernel) return "the kernel, or a socket that no process has open";
  return fmt::format("{}[{}] uid {}{}{}{}", printable(holder.comm).text, holder.pid, holder.uid,
                     holder.unit.empty() ? "" : " of " + printable(holder.unit).text,
                     place_text(holder.container), holder.kind == Holder::Kind::gone ? " (gone)" : "");
}

std::string body_of(const Record& record) {
  const Event& event = record.event;
  const std::string actor = fmt::format("{}[{}]", printable(event.actor.comm).text, event.actor.tgid);
  if (!event.failed()) return success_body(record, actor);
  if (event.given_up())
    return fmt::format("{}: connect to {} was given up by the program before an answer: {}", actor,
                       subject_of(record), to_string(record.diagnosis.cause));
  return fmt::format("{}: {} of {} failed with {} ({}): {}", actor, to_string(event.syscall),
                     subject_of(record), error_label(event), error_text(event.error()),
                     to_string(record.diagnosis.cause));
}

}  // namespace sockward
