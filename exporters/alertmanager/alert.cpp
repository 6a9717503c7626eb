#include "alertmanager/alert.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/camel_case.hpp"
#include "base/printable.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

const char* severity_label(Severity severity) {
  return severity == Severity::error ? "critical" : severity == Severity::warn ? "warning" : "info";
}

/// Other names than the rules have: the same failure may come both ways (dashboards/prometheus/alerts.yml).
std::string name_of(const Record& record) {
  if (record.diagnosis.cause == Cause::hostname_changed && record.host_scope)
    return "SockwardPushedHostRenamed";
  return "SockwardPushed" + camel_case(to_string(record.diagnosis.cause));
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "; ") + part;
  return printable(text).text;
}

void add_name(const Record& record, Alert& alert) {
  const auto* name = std::get_if<NameCall>(&record.event.call);
  if (name == nullptr) return;
  alert.labels["scope"] = record.host_scope ? "host" : "container";
  alert.labels["route"] =
      record.event.via == Via::sysctl ? "sysctl" : std::string(to_string(record.event.syscall));
  alert.annotations["old_name"] = printable(name->old_name).text;
  alert.annotations["new_name"] =
      printable(record.event.failed() ? name->asked.value_or("") : name->new_name).text;
}

void write_texts(Writer& out, const char* key, const std::map<std::string, std::string>& texts) {
  out.Key(key);
  out.StartObject();
  for (const auto& [name, value] : texts) {
    if (value.empty()) continue;  // Alertmanager would take the label away
    out.Key(name.c_str());
    out.String(value.c_str());
  }
  out.EndObject();
}

}  // namespace

Alert alert_of(const Record& record, const AlertIdentity& identity) {
  const Event& event = record.event;
  Alert alert{.labels = identity.labels, .annotations = {}, .starts = {}, .ends = {}};
  alert.labels["alertname"] = name_of(record);
  alert.labels["severity"] = severity_label(severity_of(record));
  alert.labels["cause"] = to_string(record.diagnosis.cause);
  alert.labels["syscall"] = to_string(event.syscall);
  alert.labels["container_name"] = record.container_label();
  if (event.failed()) alert.labels["error_type"] = error_label(event);
  alert.annotations["summary"] = body_of(record);
  alert.annotations["description"] = join(record.diagnosis.evidence);
  alert.annotations["advice"] = printable(record.diagnosis.advice).text;
  alert.annotations["confidence"] = to_string(record.diagnosis.confidence);
  alert.annotations["subject"] = subject_of(record);
  alert.annotations["process"] = caller_text(record);
  alert.annotations["last_seen"] = rfc3339(record.time);
  if (record.diagnosis.holder) alert.annotations["holder"] = holder_text(record.diagnosis);
  add_name(record, alert);
  return alert;
}

std::string to_json(const std::vector<Alert>& alerts, const std::string& generator_url) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartArray();
  for (const Alert& alert : alerts) {
    out.StartObject();
    write_texts(out, "labels", alert.labels);
    write_texts(out, "annotations", alert.annotations);
    out.Key("startsAt");
    out.String(rfc3339(alert.starts).c_str());
    out.Key("endsAt");
    out.String(rfc3339(alert.ends).c_str());
    if (!generator_url.empty()) {
      out.Key("generatorURL");
      out.String(generator_url.c_str());
    }
    out.EndObject();
  }
  out.EndArray();
  return buffer.GetString();
}

}  // namespace sockward
