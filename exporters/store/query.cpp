#include "store/query.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace sockward {
namespace {

/// A whole number of the type, without sign where it has none, and nothing behind it.
template <class T>
std::optional<T> whole_number(const std::string& text) {
  T number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace

std::map<std::string, std::string> to_parameters(const Query& query) {
  std::map<std::string, std::string> parameters{{"subject", query.subject},
                                                {"since", std::to_string(query.since_ns)},
                                                {"after", std::to_string(query.after_ns)},
                                                {"limit", std::to_string(query.limit)},
                                                {"names", query.names ? "1" : "0"}};
  if (query.viewer) parameters["viewer"] = std::to_string(*query.viewer);
  return parameters;
}

std::optional<Query> query_from(const std::map<std::string, std::string>& parameters) {
  const auto of = [&](const char* key) -> const std::string* {
    const auto found = parameters.find(key);
    return found == parameters.end() ? nullptr : &found->second;
  };
  const auto *subject = of("subject"), *since = of("since"), *after = of("after"), *limit = of("limit"),
             *names = of("names"), *viewer = of("viewer");
  if (subject == nullptr || since == nullptr || after == nullptr || limit == nullptr || names == nullptr)
    return std::nullopt;
  if (parameters.size() != (viewer == nullptr ? 5U : 6U)) return std::nullopt;
  const auto since_ns = whole_number<std::int64_t>(*since), after_ns = whole_number<std::int64_t>(*after);
  const auto groups = whole_number<std::size_t>(*limit);
  if (!since_ns || !after_ns || !groups || *since_ns < 0 || *after_ns < 0 ||
      *after_ns == std::numeric_limits<std::int64_t>::max() || *groups == 0 || *groups > Query::kMostGroups ||
      subject->size() > Query::kLongestSubject || (*names != "0" && *names != "1"))
    return std::nullopt;
  Query query{.subject = *subject,
              .since_ns = *since_ns,
              .after_ns = *after_ns,
              .limit = *groups,
              .names = *names == "1",
              .viewer = {}};
  if (viewer == nullptr) return query;
  query.viewer = whole_number<std::uint32_t>(*viewer);
  return query.viewer ? std::optional(query) : std::nullopt;
}

Answer group_records(std::vector<MatchingRecord> records, std::size_t limit) {
  Answer answer;
  std::unordered_map<std::int64_t, RecordGroup> groups;
  for (const MatchingRecord& record : records) {
    RecordGroup& group = groups[record.group];
    if (group.count == 0) group.first_ns = group.last_ns = record.time_ns;
    group.count += 1 + record.repeats;
    group.first_ns = std::min(group.first_ns, record.time_ns);
    group.last_ns = std::max(group.last_ns, record.time_ns);
    answer.newest_ns = std::max(answer.newest_ns, record.time_ns);
  }
  for (auto& [key, group] : groups) {
    group.newest.group = key;
    group.newest.time_ns = group.last_ns;
    answer.groups.push_back(std::move(group));
  }
  std::sort(answer.groups.begin(), answer.groups.end(),
            [](const RecordGroup& one, const RecordGroup& other) { return one.last_ns > other.last_ns; });
  answer.cut = answer.groups.size() > limit;
  if (answer.cut) answer.groups.resize(limit);
  return answer;
}

bool matches(const StoredRecord& record, const Subject& subject) {
  if (subject.is_everything() || (subject.pid && record.pid == *subject.pid)) return true;
  const auto same = [](const std::string& wanted, const std::string& has) {
    return !wanted.empty() && wanted == has;
  };
  return same(subject.unit, record.unit) || same(subject.unit_of_service, record.unit) ||
         same(subject.comm, record.comm) || same(subject.container, record.container) ||
         same(subject.pod, record.pod) || same(subject.address, record.address);
}

}  // namespace sockward
