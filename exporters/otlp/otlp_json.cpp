#include "otlp/otlp_json.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "record/attributes.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_text(Writer& out, std::string_view text) {
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

/// Writes the members of an AnyValue; null is an AnyValue without any.
struct ValueWriter {
  Writer& out;

  void operator()(std::monostate /*null*/) const {}
  void operator()(bool value) const {
    out.Key("boolValue");
    out.Bool(value);
  }
  void operator()(std::uint64_t value) const {
    out.Key("intValue");
    write_text(out, std::to_string(value));
  }
  void operator()(std::string_view value) const {
    out.Key("stringValue");
    write_text(out, value);
  }
  void operator()(std::span<const std::string> values) const {
    out.Key("arrayValue");
    out.StartObject();
    out.Key("values");
    out.StartArray();
    for (const std::string& value : values) {
      out.StartObject();
      (*this)(std::string_view(value));
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
};

AttributeVisitor attribute_writer(Writer& out) {
  return [&out](std::string_view key, const AttributeValue& value) {
    out.StartObject();
    out.Key("key");
    write_text(out, key);
    out.Key("value");
    out.StartObject();
    std::visit(ValueWriter{out}, value);
    out.EndObject();
    out.EndObject();
  };
}

std::string resource_attributes(const Resource& resource) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartArray();
  visit_attributes(resource, attribute_writer(out));
  out.EndArray();
  return buffer.GetString();
}

}  // namespace

DeliveryQueue::Item to_otlp_record(const Record& record, CommandArgs arguments) {
  const Severity severity = severity_of(record);
  const std::string when = std::to_string(record.time.ns);
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  out.Key("timeUnixNano");
  write_text(out, when);
  out.Key("observedTimeUnixNano");
  write_text(out, when);
  out.Key("severityNumber");
  out.Int(severity_number(severity));
  out.Key("severityText");
  write_text(out, to_string(severity));
  out.Key("eventName");
  write_text(out, to_string(event_name_of(record)));
  out.Key("body");
  out.StartObject();
  ValueWriter{out}(std::string_view(body_of(record)));
  out.EndObject();
  out.Key("attributes");
  out.StartArray();
  visit_attributes(record, arguments, attribute_writer(out));
  out.EndArray();
  out.EndObject();
  return {.group = resource_attributes(record.resource), .text = buffer.GetString()};
}

std::string to_otlp_request(const std::vector<DeliveryQueue::Item>& records) {
  std::string body = R"({"resourceLogs":[)";
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool first = i == 0, same = !first && records[i].group == records[i - 1].group;
    if (same)
      body += ',';
    else
      body += (first ? "" : "]}]},") + (R"({"resource":{"attributes":)" + records[i].group) +
              R"(},"scopeLogs":[{"scope":{"name":"sockward"},"logRecords":[)";
    body += records[i].text;
  }
  if (!records.empty()) body += "]}]}";
  return body + "]}";
}

}  // namespace sockward
