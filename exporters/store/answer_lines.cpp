// An answer as lines of JSON.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/clock.hpp"
#include "store/query.hpp"

namespace sockward {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;
constexpr std::size_t kLongest = std::size_t{1} << 20;

void member(Writer& out, const char* key, std::string_view text) {
  out.Key(key);
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void optional_member(Writer& out, const char* key, const std::string& text) {
  if (!text.empty()) member(out, key, text);
}

std::string line_of(const RecordGroup& group) {
  const StoredRecord& newest = group.newest;
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  member(out, "cause", newest.cause);
  out.Key("count");
  out.Uint64(group.count);
  member(out, "first", rfc3339({group.first_ns}));
  member(out, "last", rfc3339({group.last_ns}));
  optional_member(out, "address", newest.address);
  optional_member(out, "comm", newest.comm);
  optional_member(out, "unit", newest.unit);
  optional_member(out, "container", newest.container);
  optional_member(out, "pod", newest.pod);
  out.Key("record");
  out.RawValue(newest.json.data(), newest.json.size(), rapidjson::kObjectType);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string line_of(const std::string& name) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  member(out, "name", name);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string header(const Answer& answer, const char* source, std::size_t lines, bool cut) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  member(out, "source", source);
  out.Key("lines");
  out.Uint64(lines);
  out.Key("cut");
  out.Bool(cut);
  out.Key("newest");
  out.Int64(answer.newest_ns);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

std::string to_lines(const Answer& answer, const char* source) {
  std::string text;
  std::size_t lines = 0;
  bool cut = answer.cut;
  const auto add = [&](const auto& item) {
    const std::string line = line_of(item);
    if (cut |= text.size() + line.size() > kLongest; text.size() + line.size() > kLongest) return;
    text += line + "\n";
    ++lines;
  };
  for (const RecordGroup& group : answer.groups) add(group);
  for (const std::string& name : answer.names) add(name);
  return header(answer, source, lines, cut) + "\n" + text;
}

std::string error_line(std::string_view error, std::string_view next_step) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  member(out, "error", error);
  member(out, "next", next_step);
  out.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace sockward
