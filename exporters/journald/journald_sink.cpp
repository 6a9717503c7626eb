#include "journald/journald_sink.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/printable.hpp"
#include "journald/message_id.hpp"
#include "record/attributes.hpp"
#include "record/message.hpp"

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

/// What it says in `systemctl status`.
std::string message_field(const Record& record, std::uint64_t left_out) {
  std::string text = "MESSAGE=" + message_of(record);
  if (left_out != 0) text += fmt::format(" ({} entries of this unit were left out before)", left_out);
  return text;
}

void add_unit(const Record& record, std::vector<std::string>& fields) {
  const auto& unit = record.context.unit;
  if (!unit || unit->manager == SystemdUnit::Manager::container) return;
  const std::string name = printable(unit->name).text;
  if (unit->manager == SystemdUnit::Manager::system) {
    fields.push_back("OBJECT_SYSTEMD_UNIT=" + name);
    return;
  }
  // Of a user's unit journalctl also asks whose it is, and takes the sender's uid 0 for any.
  fields.push_back("OBJECT_SYSTEMD_USER_UNIT=" + name);
  fields.push_back(fmt::format("OBJECT_UID={}", record.event.actor.uid));
}

/// Who shares the limit of entries.
std::string group_of(const Record& record) {
  const auto& unit = record.context.unit;
  return record.container_label() + (unit ? " " + unit->name : "");
}

}  // namespace

std::vector<std::string> journal_fields(const Record& record, CommandArgs arguments, std::uint64_t left_out) {
  std::vector<std::string> fields{message_field(record, left_out), priority_of(severity_of(record)),
                                  "MESSAGE_ID=" + std::string(message_id_of(record.diagnosis.cause)),
                                  "SYSLOG_IDENTIFIER=sockward",
                                  "SOCKWARD_EVENT_NAME=" + std::string(to_string(event_name_of(record)))};
  add_unit(record, fields);
  visit_attributes(record, arguments, [&fields](std::string_view key, const AttributeValue& value) {
    std::visit(FieldWriter{fields, field_name(key)}, value);
  });
  return fields;
}

bool stdout_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  struct stat output {};
  return stream != nullptr && fstat(STDOUT_FILENO, &output) == 0 &&
         stream == fmt::format("{}:{}", output.st_dev, output.st_ino);
}

JournaldSink::JournaldSink(CommandArgs arguments, std::uint32_t per_minute, DeliveryCounts& counts)
    : arguments_(arguments), counts_(counts), limits_(per_minute), queue_(deliver, counts, {.batch = 1}) {}

bool JournaldSink::write(const Record& record) {
  const auto left_out = limits_.admit(group_of(record), record.event.time);
  if (!left_out) {
    ++counts_.suppressed;
    return true;
  }
  std::string lines;
  for (const std::string& field : journal_fields(record, arguments_, *left_out)) lines.append(field) += '\n';
  queue_.add({.group = {}, .text = std::move(lines)});
  return true;
}

}  // namespace sockward
