#include "store/store_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "store/record_store.hpp"
#include "store/sqlite.hpp"

namespace sockward {
namespace {

constexpr std::chrono::seconds kLongest{2};
constexpr std::size_t kMostRecords = 10'000;  // that are grouped: the newest ones
constexpr std::int64_t kMostNamed = 4000;     // whose names are offered: the newest ones
constexpr int kConditions = 4;                // the place of the first one's parameter

/// A condition on a column that has an index of its own, records_<column>.
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

/// Records in the range of times, by no condition or by one: the newest first, of which the index has all
/// that is asked for, where the condition is the user.
std::string by_one(const std::string& columns, const Condition* condition, int place) {
  std::string text = "SELECT " + columns + " FROM records";
  if (condition != nullptr)
    text += fmt::format(" INDEXED BY records_{0} WHERE {0} = ?{1} AND", condition->column, place);
  else
    text += " WHERE";
  return text + " id >= ?1 AND id <= ?3";
}

/// By several: SQLite walks their indexes side by side, and looks at no record but those that it finds.
std::string by_all(const std::vector<Condition>& conditions) {
  constexpr const char* kColumns = "id, grp, repeats";
  if (conditions.size() < 2)
    return by_one(kColumns, conditions.empty() ? nullptr : &conditions.front(), kConditions) +
           " ORDER BY id DESC LIMIT ?2";
  std::string ids;
  int place = kConditions;
  for (const Condition& condition : conditions)
    ids += (ids.empty() ? "" : " INTERSECT ") + by_one("id", &condition, place++);
  return fmt::format("SELECT {} FROM records WHERE id IN ({} ORDER BY 1 DESC LIMIT ?2) ORDER BY id DESC",
                     kColumns, ids);
}

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

/// Reads the rows of a statement of by_all().
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

  /// What the newest records name: what has not failed for long is not offered.
  Result<Answer> names() {
    const auto user = of_user();
    auto statement =
        database_.prepare(by_one("unit, comm, container, pod", user ? &*user : nullptr, kConditions) +
                          " ORDER BY id DESC LIMIT ?2");
    if (!statement) return statement.error();
    bind_range(*statement, kMostNamed);
    if (user) user->bind(*statement, kConditions);
    std::set<std::string> names;
    for (;;) {
      const auto row = statement->step();
      if (!row) return row.error();
      if (!*row) break;
      for (int column = 0; column < 4; ++column)
        if (auto name = statement->text(column); !name.empty()) names.insert(std::move(name));
    }
    Answer answer;
    for (const std::string& name : names)
      if (answer.names.size() < query_.limit) answer.names.push_back(name);
    return answer;
  }

 private:
  Result<std::vector<MatchingRecord>> matching() const {
    std::vector<Condition> always;
    if (auto user = of_user()) always.push_back(std::move(*user));
    if (!query_.cause.empty()) always.push_back({"cause", query_.cause});
    std::vector<MatchingRecord> found;
    const auto subjects = conditions_of(parse_subject(query_.subject));
    if (subjects.empty())
      if (const auto done = read(always, found); !done) return done.error();
    for (const Condition& subject : subjects) {
      auto all = always;
      all.push_back(subject);
      if (const auto done = read(all, found); !done) return done.error();
    }
    // A record may match in several ways.
    const auto later = [](const auto& one, const auto& other) { return one.time_ns > other.time_ns; };
    std::sort(found.begin(), found.end(), later);
    const auto same = [](const auto& one, const auto& other) { return one.time_ns == other.time_ns; };
    found.erase(std::unique(found.begin(), found.end(), same), found.end());
    if (found.size() > kMostRecords) found.resize(kMostRecords);
    return found;
  }

  Result<bool> read(const std::vector<Condition>& conditions, std::vector<MatchingRecord>& into) const {
    auto statement = database_.prepare(by_all(conditions));
    if (!statement) return statement.error();
    bind_range(*statement, static_cast<std::int64_t>(kMostRecords));
    int place = kConditions;
    for (const Condition& condition : conditions) condition.bind(*statement, place++);
    return read_rows(*statement, into);
  }

  std::optional<Condition> of_user() const {
    if (!query_.viewer) return std::nullopt;
    return Condition{"uid", "", std::int64_t{*query_.viewer}};
  }
  void bind_range(Statement& statement, std::int64_t limit) const {
    const auto until = query_.until_ns != 0 ? query_.until_ns : std::numeric_limits<std::int64_t>::max();
    statement.bind(1, from_).bind(2, limit).bind(3, until);
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
