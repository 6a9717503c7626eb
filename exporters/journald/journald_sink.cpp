#include "journald/journald_sink.hpp"

#include <rapidjson/document.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

namespace sockward {
namespace {

constexpr const char* kSocket = "/run/systemd/journal/socket";

/// "sockward.holder.pid" -> "SOCKWARD_HOLDER_PID"
std::string field_name(const char* attribute) {
  std::string name;
  for (const char* c = attribute; *c != '\0'; ++c)
    name += *c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? static_cast<char>(*c - 'a' + 'A') : *c;
  return name;
}

void add_field(std::vector<std::string>& fields, const std::string& name, const rapidjson::Value& value) {
  if (value.IsString()) fields.push_back(name + "=" + value.GetString());
  if (value.IsUint64()) fields.push_back(name + "=" + std::to_string(value.GetUint64()));
  if (value.IsBool()) fields.push_back(name + (value.GetBool() ? "=true" : "=false"));
  if (value.IsArray())
    for (const auto& item : value.GetArray()) add_field(fields, name, item);
}

const char* priority_of(int severity) {
  constexpr int kWarn = 13, kError = 17;  // OpenTelemetry's numbers
  return severity >= kError ? "PRIORITY=3" : severity >= kWarn ? "PRIORITY=4" : "PRIORITY=6";
}

bool send(const std::string& line) {
  const auto fields = journal_fields(line);
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (const auto& field : fields) parts.push_back({const_cast<char*>(field.data()), field.size()});
  return !parts.empty() && sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

DeliveryQueue::Outcome deliver(const std::vector<std::string>& lines) {
  // sd_journal_sendv says that all is well where there is no journal.
  if (access(kSocket, W_OK) != 0) return DeliveryQueue::Outcome::refused;
  bool all = true;
  for (const auto& line : lines) all &= send(line);
  return all ? DeliveryQueue::Outcome::delivered : DeliveryQueue::Outcome::refused;
}

}  // namespace

std::vector<std::string> journal_fields(const std::string& text) {
  rapidjson::Document line;
  line.Parse(text.c_str(), text.size());
  if (line.HasParseError() || !line.IsObject() || !line.HasMember("attributes")) return {};
  std::vector<std::string> fields{std::string("MESSAGE=") + line["body"].GetString(),
                                  priority_of(line["severity_number"].GetInt()), "SYSLOG_IDENTIFIER=sockward",
                                  std::string("SOCKWARD_EVENT_NAME=") + line["event_name"].GetString()};
  // By number: rapidjson's iterators have a comparison that C++20 finds ambiguous.
  const auto& attributes = line["attributes"];
  for (rapidjson::SizeType i = 0; i < attributes.MemberCount(); ++i) {
    const auto& attribute = *(attributes.MemberBegin() + static_cast<std::ptrdiff_t>(i));
    add_field(fields, field_name(attribute.name.GetString()), attribute.value);
  }
  return fields;
}

JournaldSink::JournaldSink(Resource resource, CommandArgs arguments, DeliveryCounts& counts)
    : resource_(std::move(resource)), arguments_(arguments), queue_(deliver, counts, {.batch = 1}) {}

}  // namespace sockward
