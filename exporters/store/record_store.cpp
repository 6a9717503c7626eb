#include "store/record_store.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <limits>

#include "base/log.hpp"

namespace sockward {
namespace {

constexpr std::int64_t kPageBytes = 4096;
constexpr std::uint64_t kLogBytes = std::uint64_t{4} << 20;  // of the cap, for the write-ahead log

/// Before the first table: they decide how the file is made.
constexpr const char* kLayout = "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL;";
constexpr const char* kWays =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=256;"
    "PRAGMA journal_size_limit=1048576; PRAGMA cache_size=-512; PRAGMA temp_store=MEMORY;";
constexpr const char* kTables =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS records(id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, cause TEXT NOT NULL,"
    " uid INTEGER NOT NULL, pid INTEGER NOT NULL, unit TEXT, comm TEXT, container TEXT, pod TEXT,"
    " address TEXT, repeats INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bodies(id INTEGER PRIMARY KEY, record TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS records_cause ON records(cause);"
    // Users ask for their own records only: all that is read of a record to group it.
    "CREATE INDEX IF NOT EXISTS records_uid ON records(uid, id, grp, repeats);"
    "CREATE INDEX IF NOT EXISTS records_pid ON records(pid);"
    "CREATE INDEX IF NOT EXISTS records_unit ON records(unit) WHERE unit IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS records_comm ON records(comm) WHERE comm IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS records_container ON records(container) WHERE container IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS records_pod ON records(pod) WHERE pod IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS records_address ON records(address) WHERE address IS NOT NULL;"
    "PRAGMA user_version=1; COMMIT;";

Error damage(const std::string& path, const std::string& what) {
  return {std::error_code(SQLITE_CORRUPT, sqlite_category()), "check " + path + " (" + what + ")"};
}

/// Looks through the file, for at most two seconds: a damage behind that is met when it is read.
Result<bool> check(Database& database, const std::string& path) {
  constexpr std::chrono::seconds kLongest{2};
  database.limit_until(std::chrono::steady_clock::now() + kLongest);
  std::string found = "ok";
  auto statement = database.prepare("PRAGMA quick_check(1)");
  std::optional<Error> failed;
  if (statement) {
    const auto row = statement->step();
    if (row)
      found = statement->text(0);
    else if (is_damage(row.error()))
      failed = row.error();
  } else {
    failed = statement.error();
  }
  database.limit_until(std::nullopt);
  if (failed) return *failed;
  if (found != "ok") return damage(path, found.substr(0, found.find('\n')));
  return true;
}

Result<Database> open_as_it_is(const std::string& path) {
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return database.error();
  if (const auto done = database->run(kLayout); !done) return done.error();
  if (const auto done = database->run(kWays); !done) return done.error();
  return database;
}

/// The file, with tables in it; std::nullopt: it was set aside, and there is none now.
Result<std::optional<Database>> open_or_set_aside(const std::string& path, StoreStats& stats) {
  auto database = open_as_it_is(path);
  const auto version =
      database ? database->number("PRAGMA user_version") : Result<std::int64_t>(database.error());
  if (version && *version > RecordStore::kSchema) {
    const std::string reason =
        fmt::format("it has schema {}, and this version knows {}", *version, RecordStore::kSchema);
    database = make_error(std::errc::not_supported, "open " + path);  // closes it
    if (const auto done = set_store_aside(path, "newer", reason); !done) return done.error();
    ++stats.set_aside_newer;
    return std::optional<Database>();
  }
  Result<bool> good = version ? check(*database, path) : Result<bool>(version.error());
  if (good) good = database->run(kTables);
  if (good) return std::optional<Database>(std::move(*database));
  if (!is_damage(good.error())) return good.error();
  database = make_error(std::errc::not_supported, "open " + path);
  if (const auto done = set_store_aside(path, "damaged", good.error().text()); !done) return done.error();
  ++stats.set_aside_damaged;
  return std::optional<Database>();
}

}  // namespace

RecordStore::RecordStore(std::string path, StoreLimits limits, StoreStats& stats, Database database,
                         Statement record, Statement body)
    : path_(std::move(path)),
      limits_(limits),
      stats_(&stats),
      database_(std::move(database)),
      add_record_(std::move(record)),
      add_body_(std::move(body)) {
  struct stat status {};
  if (stat(path_.c_str(), &status) == 0) device_ = status.st_dev, inode_ = status.st_ino;
}

Result<RecordStore> RecordStore::open(const std::string& path, StoreLimits limits, StoreStats& stats) {
  auto database = open_or_set_aside(path, stats);
  if (database && !*database) database = open_or_set_aside(path, stats);
  if (!database) return database.error();
  if (!*database) return damage(path, "and so is the new one");
  auto record = (*database)->prepare(
      "INSERT INTO records(id, grp, cause, uid, pid, unit, comm, container, pod, address, repeats)"
      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)");
  if (!record) return record.error();
  auto body = (*database)->prepare("INSERT INTO bodies(id, record) VALUES(?1, ?2)");
  if (!body) return body.error();
  return RecordStore(path, limits, stats, std::move(**database), std::move(*record), std::move(*body));
}

Result<bool> RecordStore::add_one(const StoredRecord& record) {
  constexpr int kTries = 1000;  // records of the same nanosecond, or added again
  const auto text = [this](int place, const std::string& value) {
    if (value.empty())
      add_record_.bind_null(place);
    else
      add_record_.bind(place, value);
  };
  text(6, record.unit);
  text(7, record.comm);
  text(8, record.container);
  text(9, record.pod);
  text(10, record.address);
  add_record_.bind(2, record.group).bind(3, record.cause).bind(4, std::int64_t{record.uid});
  add_record_.bind(5, std::int64_t{record.pid}).bind(11, static_cast<std::int64_t>(record.repeats));
  Result<bool> added = false;
  for (std::int64_t later = 0; later < kTries; ++later) {
    added = add_record_.bind(1, record.time_ns + later).step();
    if (!added && (added.error().code.value() & 0xFF) == SQLITE_CONSTRAINT) continue;
    if (!added) break;
    const auto body = add_body_.bind(1, record.time_ns + later).bind(2, record.json).step();
    return body ? Result<bool>(true) : body;
  }
  return added;
}

Result<bool> RecordStore::add(std::span<const StoredRecord> records) {
  if (const auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun.error();
  Result<bool> done = true;
  for (const StoredRecord& record : records)
    if (done = add_one(record); !done) break;
  if (done) done = database_.run("COMMIT");
  if (!done) (void)database_.run("ROLLBACK");  // an error may have done it already
  return done;
}

/// Removes some of the oldest records before a time. Returns how many.
Result<std::int64_t> RecordStore::remove_oldest(std::int64_t before_ns) {
  // Few at a time: each transaction is as large as what it removes, and the log grows by that.
  auto last =
      database_.prepare("SELECT max(id) FROM (SELECT id FROM records WHERE id < ?1 ORDER BY id LIMIT 200)");
  if (!last) return last.error();
  const auto row = last->bind(1, before_ns).step();
  if (!row) return row.error();
  const std::int64_t end = last->number(0);
  const bool none = end == 0;
  last = make_error(std::errc::operation_canceled, "");  // ends its transaction
  if (none) return std::int64_t{0};
  if (const auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun.error();
  std::int64_t removed = 0;
  Result<bool> done = true;
  for (const char* sql : {"DELETE FROM bodies WHERE id <= ?1", "DELETE FROM records WHERE id <= ?1"}) {
    auto statement = database_.prepare(sql);
    done = statement ? statement->bind(1, end).step() : Result<bool>(statement.error());
    if (!done) break;
    removed = database_.changes();
  }
  if (done) done = database_.run("COMMIT");
  if (done) return removed;
  (void)database_.run("ROLLBACK");
  return done.error();
}

Result<bool> RecordStore::prune_by_size() {
  const std::uint64_t largest =
      limits_.largest_bytes > 2 * kLogBytes ? limits_.largest_bytes - kLogBytes : kLogBytes;
  const auto most = static_cast<std::int64_t>(largest) / kPageBytes;
  for (std::int64_t aim = most;;) {
    const auto pages = database_.number("PRAGMA page_count"),
               unused = database_.number("PRAGMA freelist_count");
    if (!pages) return pages.error();
    if (!unused) return unused.error();
    if (*pages - *unused <= aim) {
      if (*pages <= most) return true;
      return database_.run("PRAGMA incremental_vacuum(256)");  // the cap was lowered: a little each time
    }
    aim = most - most / 20;  // once it is full, make some room
    const auto removed = remove_oldest(std::numeric_limits<std::int64_t>::max());
    if (!removed) return removed.error();
    if (*removed == 0) return true;
    stats_->removed_size += static_cast<std::uint64_t>(*removed);
  }
}

Result<bool> RecordStore::count_bytes() {
  std::uint64_t bytes = 0;
  for (const char* part : {"", "-wal", "-shm"}) {
    struct stat status {};
    if (stat((path_ + part).c_str(), &status) == 0) bytes += static_cast<std::uint64_t>(status.st_size);
  }
  stats_->bytes = bytes;
  const auto oldest = database_.number("SELECT min(id) FROM records");
  if (!oldest) return oldest.error();
  stats_->oldest_ns = *oldest;
  return true;
}

Result<bool> RecordStore::prune(WallTime now) {
  const std::int64_t before = now.ns - std::chrono::nanoseconds(limits_.longest).count();
  constexpr int kRounds = 50;  // 10,000 records at a time; the rest next time
  for (int round = 0; round < kRounds; ++round) {
    const auto removed = remove_oldest(before);
    if (!removed) return removed.error();
    if (*removed == 0) break;
    stats_->removed_age += static_cast<std::uint64_t>(*removed);
  }
  if (const auto done = prune_by_size(); !done) return done.error();
  return count_bytes();
}

void RecordStore::shrink_log() {
  (void)database_.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

bool RecordStore::is_in_place() const {
  struct stat status {};
  return stat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

}  // namespace sockward
