#include "otlp/otlp_json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/printable.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_value(Writer& out, const rapidjson::Value& value) {
  out.StartObject();
  if (value.IsString()) {
    out.Key("stringValue");
    out.String(value.GetString(), value.GetStringLength());
  } else if (value.IsBool()) {
    out.Key("boolValue");
    out.Bool(value.GetBool());
  } else if (value.IsUint64()) {
    out.Key("intValue");
    out.String(std::to_string(value.GetUint64()).c_str());
  } else if (value.IsArray()) {
    out.Key("arrayValue");
    out.StartObject();
    out.Key("values");
    out.StartArray();
    for (const auto& item : value.GetArray()) write_value(out, item);
    out.EndArray();
    out.EndObject();
  }
  out.EndObject();  // null: an empty AnyValue
}

void write_attribute(Writer& out, const char* key, const rapidjson::Value& value) {
  out.StartObject();
  out.Key("key");
  out.String(key);
  out.Key("value");
  write_value(out, value);
  out.EndObject();
}

void write_text_attribute(Writer& out, const char* key, const std::string& text) {
  const std::string clean = printable(text).text;
  rapidjson::Value value;
  value.SetString(rapidjson::StringRef(clean.c_str(), clean.size()));
  write_attribute(out, key, value);
}

void copy_text(Writer& out, const char* key, const rapidjson::Value& line, const char* member) {
  out.Key(key);
  out.String(line[member].GetString(), line[member].GetStringLength());
}

}  // namespace

std::string to_otlp_record(const std::string& text, WallTime time) {
  rapidjson::Document line;
  line.Parse(text.c_str(), text.size());
  if (line.HasParseError() || !line.IsObject() || !line.HasMember("attributes")) return "";
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  const std::string when = std::to_string(time.ns);
  out.Key("timeUnixNano");
  out.String(when.c_str());
  out.Key("observedTimeUnixNano");
  out.String(when.c_str());
  out.Key("severityNumber");
  out.Int(line["severity_number"].GetInt());
  copy_text(out, "severityText", line, "severity_text");
  copy_text(out, "eventName", line, "event_name");
  out.Key("body");
  write_value(out, line["body"]);
  out.Key("attributes");
  out.StartArray();
  // By number: rapidjson's iterators have a comparison that C++20 finds ambiguous.
  const auto& attributes = line["attributes"];
  for (rapidjson::SizeType i = 0; i < attributes.MemberCount(); ++i) {
    const auto& attribute = *(attributes.MemberBegin() + static_cast<std::ptrdiff_t>(i));
    write_attribute(out, attribute.name.GetString(), attribute.value);
  }
  out.EndArray();
  out.EndObject();
  return buffer.GetString();
}

std::string to_otlp_request(const std::vector<std::string>& records, const Resource& resource) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartArray();
  write_text_attribute(out, "service.name", "sockward");
  write_text_attribute(out, "service.version", resource.service_version);
  if (!resource.host_id.empty()) write_text_attribute(out, "host.id", resource.host_id);
  write_text_attribute(out, "host.name", resource.host_name);
  out.EndArray();
  std::string body = R"({"resourceLogs":[{"resource":{"attributes":)" + std::string(buffer.GetString()) +
                     R"(},"scopeLogs":[{"scope":{"name":"sockward"},"logRecords":[)";
  bool first = true;
  for (const auto& record : records) {
    if (!first) body += ',';
    body += record;
    first = false;
  }
  return body + "]}]}]}";
}

}  // namespace sockward
