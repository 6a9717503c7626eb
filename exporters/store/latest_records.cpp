#include "store/latest_records.hpp"

#include <set>

namespace sockward {
namespace {

Answer names_of(const std::deque<StoredRecord>& records, const Query& query) {
  std::set<std::string> names;
  for (const StoredRecord& record : records)
    if (!query.viewer || *query.viewer == record.uid)
      for (const std::string* name : {&record.unit, &record.comm, &record.container, &record.pod})
        if (!name->empty() && names.size() < query.limit) names.insert(*name);
  return {.groups = {}, .names = {names.begin(), names.end()}};
}

}  // namespace

bool LatestRecords::write(const Record& record) {
  StoredRecord row = stored_record(record, arguments_);
  const std::lock_guard lock(mutex_);
  if (records_.size() >= kKept) records_.pop_front();
  // As in a store, the time tells records apart.
  if (!records_.empty() && row.time_ns <= records_.back().time_ns) row.time_ns = records_.back().time_ns + 1;
  records_.push_back(std::move(row));
  return true;
}

std::vector<std::string> LatestRecords::json(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (auto record = records_.rbegin(); record != records_.rend() && lines.size() < limit; ++record)
    lines.push_back(record->json);
  return lines;
}

Result<Answer> LatestRecords::answer(const Query& query) const {
  const Subject subject = parse_subject(query.subject);
  const std::lock_guard lock(mutex_);
  if (query.names) return names_of(records_, query);
  std::vector<MatchingRecord> found;
  std::map<std::int64_t, const StoredRecord*> by_time;
  for (const StoredRecord& record : records_) {
    if (record.time_ns < query.since_ns || record.time_ns <= query.after_ns || !matches(record, subject) ||
        (query.until_ns != 0 && record.time_ns > query.until_ns) ||
        (!query.cause.empty() && record.cause != query.cause) ||
        (query.viewer && *query.viewer != record.uid))
      continue;
    found.push_back({.time_ns = record.time_ns, .group = record.group, .repeats = record.repeats});
    by_time[record.time_ns] = &record;
  }
  Answer answer = group_records(std::move(found), query.limit);
  for (RecordGroup& group : answer.groups) group.newest = *by_time.at(group.last_ns);
  return answer;
}

}  // namespace sockward
