#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/stored_record.hpp"
#include "store/subject.hpp"

namespace sockward {

/// A question to the records: what failed.
struct Query {
  static constexpr std::size_t kLongestSubject = 512, kMostGroups = 200;

  std::string subject;        ///< a word for parse_subject(); empty: everything
  std::string cause;          ///< only records with it; empty: with any. Not part of the parameters
  std::int64_t since_ns = 0;  ///< wall time; records of that time and later
  std::int64_t until_ns = 0;  ///< and not after this; 0: no end. Not part of the parameters
  std::int64_t after_ns = 0;  ///< only records later than this one
  std::size_t limit = 50;     ///< groups, or names
  bool names = false;         ///< not the failures, but the units, commands, containers and pods that failed
  std::optional<std::uint32_t> viewer;  ///< only records of this user; nullopt: all
};

/// The parameters of a question as texts, and back. Nothing is taken on trust: std::nullopt for everything
/// that to_parameters() does not write. Pure.
std::map<std::string, std::string> to_parameters(const Query& query);
std::optional<Query> query_from(const std::map<std::string, std::string>& parameters);

/// Records of one cause, error, subject, program and container.
struct RecordGroup {
  StoredRecord newest;
  std::uint64_t count = 0;  ///< calls: repeats are counted
  std::int64_t first_ns = 0, last_ns = 0;
};

struct Answer {
  std::vector<RecordGroup> groups;  ///< newest first
  std::vector<std::string> names;   ///< of `names`
  bool cut = false;                 ///< more match than were counted, or than `limit`
  std::int64_t newest_ns = 0;       ///< of all records looked at; 0: none
};

/// The matching records in short, to be grouped.
struct MatchingRecord {
  std::int64_t time_ns = 0, group = 0;
  std::uint64_t repeats = 0;
};
/// Groups records, newest first, at most `limit`; `newest` of each has only its time. Pure.
Answer group_records(std::vector<MatchingRecord> records, std::size_t limit);

/// Is it one of those that are asked for? Pure.
bool matches(const StoredRecord& record, const Subject& subject);

/// Where answers come from. Thread-safe.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  virtual Result<Answer> answer(const Query& query) const = 0;
  virtual const char* name() const = 0;  ///< "store", "agent"
};

/// The answer as lines of JSON: a header, then one object for each group or name (docs/contract.md). At most
/// 1 MiB. Pure.
std::string to_lines(const Answer& answer, const char* source);
/// The line that says why there is no answer. Pure.
std::string error_line(std::string_view error, std::string_view next_step);

}  // namespace sockward
