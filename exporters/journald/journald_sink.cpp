#include "journald/journald_sink.hpp"

#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>

#include "record/attributes.hpp"

namespace sockward {
namespace {

constexpr const char* kSocket = "/run/systemd/journal/socket";

/// "sockward.holder.pid" -> "SOCKWARD_HOLDER_PID"
std::string field_name(std::string_view attribute) {
  std::string name(attribute);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

/// Adds an attribute's fields; null adds none.
struct FieldWriter {
  std::vector<std::string>& fields;
  std::string name;

  void operator()(std::monostate /*null*/) const {}
  void operator()(bool value) const { fields.push_back(name + (value ? "=true" : "=false")); }
  void operator()(std::uint64_t value) const { fields.push_back(name + "=" + std::to_string(value)); }
  void operator()(std::string_view value) const { fields.push_back((name + "=").append(value)); }
  void operator()(std::span<const std::string> values) const {
    for (const std::string& value : values) (*this)(std::string_view(value));
  }
};

const char* priority_of(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "PRIORITY=3";
    case Severity::warn:
      return "PRIORITY=4";
    case Severity::info:
      return "PRIORITY=6";
  }
  return "PRIORITY=6";
}

/// `lines`: one field each.
bool send(const std::string& lines) {
  std::vector<iovec> parts;
  for (std::size_t start = 0; start < lines.size();) {
    const std::size_t end = lines.find('\n', start);
    parts.push_back({const_cast<char*>(lines.data() + start), end - start});
    start = end + 1;
  }
  return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

DeliveryQueue::Outcome deliver(const std::vector<DeliveryQueue::Item>& records) {
  // sd_journal_sendv says that all is well where there is no journal.
  if (access(kSocket, W_OK) != 0) return DeliveryQueue::Outcome::refused;
  bool all = true;
  for (const auto& record : records) all &= send(record.text);
  return all ? DeliveryQueue::Outcome::delivered : DeliveryQueue::Outcome::refused;
}

}  // namespace

std::vector<std::string> journal_fields(const Record& record, CommandArgs arguments) {
  std::vector<std::string> fields{"MESSAGE=" + body_of(record), priority_of(severity_of(record)),
                                  "SYSLOG_IDENTIFIER=sockward",
                                  "SOCKWARD_EVENT_NAME=" + std::string(to_string(event_name_of(record)))};
  visit_attributes(record, arguments, [&fields](std::string_view key, const AttributeValue& value) {
    std::visit(FieldWriter{fields, field_name(key)}, value);
  });
  return fields;
}

JournaldSink::JournaldSink(CommandArgs arguments, DeliveryCounts& counts)
    : arguments_(arguments), queue_(deliver, counts, {.batch = 1}) {}

bool JournaldSink::write(const Record& record) {
  std::string lines;
  for (const std::string& field : journal_fields(record, arguments_)) lines.append(field) += '\n';
  queue_.add({.group = {}, .text = std::move(lines)});
  return true;
}

}  // namespace sockward
