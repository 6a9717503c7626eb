#include "page/recent_records.hpp"

#include "base/printable.hpp"
#include "jsonl/json_record.hpp"

namespace sockward {

bool RecentRecords::write(const Record& record) {
  const Diagnosis& diagnosis = record.diagnosis;
  Entry entry{.json = to_json(record, arguments_),
              .time = rfc3339(record.time),
              .severity = std::string(to_string(severity_of(record))),
              .container = record.container_label(),
              .headline = body_of(record),
              .cause = std::string(to_string(diagnosis.cause)),
              .confidence = std::string(to_string(diagnosis.confidence)),
              .advice = printable(diagnosis.advice).text,
              .holder = holder_text(diagnosis),
              .evidence = {}};
  for (const auto& item : diagnosis.evidence) entry.evidence.push_back(printable(item).text);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kKept) entries_.pop_front();
  entries_.push_back(std::move(entry));
  return true;
}

std::vector<RecentRecords::Entry> RecentRecords::latest(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(limit, entries_.size());
  return {entries_.rbegin(), entries_.rbegin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace sockward
