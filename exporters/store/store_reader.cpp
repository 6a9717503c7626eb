#include "store/store_reader.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/record_store.hpp"
#include "store/sqlite.hpp"

namespace sockward {
namespace {

constexpr std::chrono::seconds kLongest{2};
constexpr int kUntilPlace = 30, kCausePlace = 31;  // of parameters; conditions have the first ones
constexpr std::size_t kMostRecords = 10'000;       // that are grouped: the newest ones

/// A condition on one indexed column.
struct Condition {
  const char* column;
  std::string value;
  std::optional<std::int64_t> number = {};

  void bind(Statement& statement, int place) const {
    if (number)
      statement.bind(place, *number);
    else
      statement.bind(place, value);
  }
};

std::vector<Condition> conditions_of(const Subject& subject) {
  std::vector<Condition> conditions;
  if (subject.pid) conditions.push_back({"pid", "", std::int64_t{*subject.pid}});
  for (const auto& [column, value] : {std::pair{"unit", &subject.unit},
                                      {"unit", &subject.unit_of_service},
                                      {"comm", &subject.comm},
                                      {"container", &subject.container},
                                      {"pod", &subject.pod},
                                      {"address", &subject.address}})
    if (!value->empty()) conditions.push_back({column, *value});
  return conditions;
}

/// Reads the rows of a statement whose first places are the range of times and the number of records.
Result<bool> read_rows(Statement& statement, std::vector<MatchingRecord>& into) {
  for (;;) {
    const auto row = statement.step();
    if (!row) return row.error();
    if (!*row) return true;
    into.push_back({.time_ns = statement.number(0),
                    .group = statement.number(1),
                    .repeats = static_cast<std::uint64_t>(statement.number(2))});
  }
}

/// One question while the file is open.
class Reading {
 public:
  Reading(const Database& database, const Query& query)
      : database_(database), query_(query), from_(std::max(query.since_ns, query.after_ns + 1)) {}

  Result<Answer> failures() {
    auto records = matching();
    if (!records) return records.error();
    const bool cut = records->size() >= kMostRecords;
    Answer answer = group_records(std::move(*records), query_.limit);
    answer.cut |= cut;
    auto statement = database_.prepare(
        "SELECT cause, uid, pid, unit, comm, container, pod, address, repeats, record"
        " FROM records JOIN bodies USING(id) WHERE id = ?1");
    if (!statement) return statement.error();
    for (RecordGroup& group : answer.groups)
      if (const auto done = fill(*statement, group.newest); !done) return done.error();
    return answer;
  }

  Result<Answer> names() {
    Answer answer;
    for (const char* column : {"unit", "comm", "container", "pod"}) {
      // The newest records: what has not failed for long is not offered.
      auto statement = database_.prepare(fmt::format(
          "SELECT DISTINCT {0} FROM (SELECT {0} FROM records WHERE id >= ?1{1} ORDER BY id DESC LIMIT {2})"
          " WHERE {0} IS NOT NULL LIMIT ?2",
          column, query_.viewer ? " AND uid = ?3" : "", kMostRecords));
      if (!statement) return statement.error();
      statement->bind(1, from_).bind(2, static_cast<std::int64_t>(query_.limit));
      if (query_.viewer) statement->bind(3, std::int64_t{*query_.viewer});
      for (;;) {
        const auto row = statement->step();
        if (!row) return row.error();
        if (!*row) break;
        answer.names.push_back(statement->text(0));
      }
    }
    std::sort(answer.names.begin(), answer.names.end());
    answer.names.erase(std::unique(answer.names.begin(), answer.names.end()), answer.names.end());
    if (answer.names.size() > query_.limit) answer.names.resize(query_.limit);
    return answer;
  }

 private:
  Result<std::vector<MatchingRecord>> matching() const {
    const auto conditions = conditions_of(parse_subject(query_.subject));
    std::vector<MatchingRecord> found;
    if (query_.viewer) {
      if (const auto done = read_of_user(conditions, found); !done) return done.error();
      return found;
    }
    if (conditions.empty()) {
      const std::string table = query_.cause.empty() ? "records" : "records INDEXED BY records_cause";
      if (const auto done = read_where(table, "1", nullptr, found); !done) return done.error();
    }
    for (const Condition& condition : conditions) {
      const std::string index = fmt::format("records INDEXED BY records_{}", condition.column);
      const std::string where = fmt::format("{} = ?3", condition.column);
      if (const auto done = read_where(index, where, &condition, found); !done) return done.error();
    }
    // A record may match in several ways.
    const auto later = [](const auto& one, const auto& other) { return one.time_ns > other.time_ns; };
    std::sort(found.begin(), found.end(), later);
    const auto same = [](const auto& one, const auto& other) { return one.time_ns == other.time_ns; };
    found.erase(std::unique(found.begin(), found.end(), same), found.end());
    if (found.size() > kMostRecords) found.resize(kMostRecords);
    return found;
  }

  Result<bool> read_where(const std::string& table, const std::string& where, const Condition* condition,
                          std::vector<MatchingRecord>& into) const {
    auto statement = database_.prepare(
        fmt::format("SELECT id, grp, repeats FROM {} WHERE id >= ?1 AND {}{} ORDER BY id DESC LIMIT ?2",
                    table, where, narrower()));
    if (!statement) return statement.error();
    statement->bind(1, from_).bind(2, static_cast<std::int64_t>(kMostRecords));
    bind_narrower(*statement);
    if (condition != nullptr) condition->bind(*statement, 3);
    return read_rows(*statement, into);
  }

  /// By the user, of whom there are fewer records than of a command that everybody runs.
  Result<bool> read_of_user(const std::vector<Condition>& conditions,
                            std::vector<MatchingRecord>& into) const {
    std::string any = conditions.empty() ? "1" : "";
    int place = 4;
    for (const Condition& condition : conditions)
      any += fmt::format("{}{} = ?{}", any.empty() ? "" : " OR ", condition.column, place++);
    auto statement = database_.prepare(fmt::format(
        "SELECT id, grp, repeats FROM records INDEXED BY records_uid WHERE uid = ?3 AND id >= ?1 AND"
        " ({}){} ORDER BY id DESC LIMIT ?2",
        any, narrower()));
    if (!statement) return statement.error();
    statement->bind(1, from_).bind(2, static_cast<std::int64_t>(kMostRecords));
    statement->bind(3, std::int64_t{*query_.viewer});
    bind_narrower(*statement);
    place = 4;
    for (const Condition& condition : conditions) condition.bind(*statement, place++);
    return read_rows(*statement, into);
  }

  /// What narrows every question: the end of its time, the cause.
  std::string narrower() const {
    std::string text;
    if (query_.until_ns != 0) text += fmt::format(" AND id <= ?{}", kUntilPlace);
    if (!query_.cause.empty()) text += fmt::format(" AND cause = ?{}", kCausePlace);
    return text;
  }
  void bind_narrower(Statement& statement) const {
    if (query_.until_ns != 0) statement.bind(kUntilPlace, query_.until_ns);
    if (!query_.cause.empty()) statement.bind(kCausePlace, query_.cause);
  }

  static Result<bool> fill(Statement& statement, StoredRecord& record) {
    const auto row = statement.bind(1, record.time_ns).step();
    if (!row) return row.error();
    if (!*row) return make_error(std::errc::no_message_available, "read a record that has just been there");
    record.cause = statement.text(0);
    record.uid = static_cast<std::uint32_t>(statement.number(1));
    record.pid = static_cast<std::uint32_t>(statement.number(2));
    record.unit = statement.text(3);
    record.comm = statement.text(4);
    record.container = statement.text(5);
    record.pod = statement.text(6);
    record.address = statement.text(7);
    record.repeats = static_cast<std::uint64_t>(statement.number(8));
    record.json = statement.text(9);
    const auto end = statement.step();  // there is no other: it can be bound again
    return end ? Result<bool>(true) : end;
  }

  const Database& database_;
  const Query& query_;
  const std::int64_t from_;
};

}  // namespace

Result<Answer> StoreReader::answer(const Query& query) const {
  auto database = Database::open(path_, Database::Access::read_only);
  if (!database) return database.error();
  database->limit_until(std::chrono::steady_clock::now() + kLongest);
  if (const auto done = database->run("PRAGMA cache_size=-1024; BEGIN"); !done) return done.error();
  const auto version = database->number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > RecordStore::kSchema)
    return make_error(std::errc::not_supported,
                      fmt::format("read {} (written by a newer version: schema {}, known is {})", path_,
                                  *version, RecordStore::kSchema));
  if (*version == 0) return Answer();  // made, and nothing is in it yet
  Reading reading(*database, query);
  auto answer = query.names ? reading.names() : reading.failures();
  if (!answer) return Error{answer.error().code, answer.error().operation + " " + path_};
  return answer;
}

}  // namespace sockward
