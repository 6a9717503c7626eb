#include "jsonl/json_record.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "record/attributes.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_text(Writer& out, std::string_view text) {
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

/// Writes a value as the JSON type that it is.
struct ValueWriter {
  Writer& out;

  void operator()(std::monostate /*null*/) const { out.Null(); }
  void operator()(bool value) const { out.Bool(value); }
  void operator()(std::uint64_t value) const { out.Uint64(value); }
  void operator()(std::string_view value) const { write_text(out, value); }
  void operator()(std::span<const std::string> values) const {
    out.StartArray();
    for (const std::string& value : values) write_text(out, value);
    out.EndArray();
  }
};

template <class Described, class... More>
void write_object(Writer& out, const Described& described, More... more) {
  out.StartObject();
  visit_attributes(described, more..., [&out](std::string_view key, const AttributeValue& value) {
    out.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
    std::visit(ValueWriter{out}, value);
  });
  out.EndObject();
}

}  // namespace

std::string to_json(const Record& record, CommandArgs arguments) {
  const Severity severity = severity_of(record);
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  out.Key("timestamp");
  write_text(out, rfc3339(record.time));
  out.Key("severity_text");
  write_text(out, to_string(severity));
  out.Key("severity_number");
  out.Int(severity_number(severity));
  out.Key("event_name");
  write_text(out, to_string(event_name_of(record)));
  out.Key("body");
  write_text(out, body_of(record));
  out.Key("resource");
  write_object(out, record.resource);
  out.Key("attributes");
  write_object(out, record, arguments);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace sockward
