#include "store/sqlite.hpp"

#include <sqlite3.h>

namespace sockward {
namespace {

class SqliteCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sqlite"; }
  std::string message(int code) const override { return sqlite3_errstr(code); }
};

Error error_of(int code, std::string operation) {
  return {std::error_code(code, sqlite_category()), std::move(operation)};
}

/// Result codes have the details above the lowest byte.
int primary(const Error& error) {
  return error.code.category() == sqlite_category() ? error.code.value() & 0xFF : SQLITE_OK;
}

int is_over(void* end) {
  return std::chrono::steady_clock::now() > *static_cast<std::chrono::steady_clock::time_point*>(end) ? 1 : 0;
}

}  // namespace

const std::error_category& sqlite_category() {
  static const SqliteCategory category;
  return category;
}

bool is_damage(const Error& error) {
  return primary(error) == SQLITE_CORRUPT || primary(error) == SQLITE_NOTADB;
}

bool is_disk_full(const Error& error) {
  // The shared memory beside the log is made larger without asking for SQLITE_FULL.
  return primary(error) == SQLITE_FULL ||
         (error.code.category() == sqlite_category() && error.code.value() == SQLITE_IOERR_SHMSIZE);
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int place, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), place, value);
  return *this;
}

Statement& Statement::bind(int place, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), place, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_null(int place) {
  sqlite3_bind_null(statement_.get(), place);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  const int extended = sqlite3_extended_errcode(sqlite3_db_handle(statement_.get()));
  sqlite3_reset(statement_.get());
  return error_of(extended, "run a statement of the record store");
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr || size <= 0) return "";
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::string& path, Access access) {
  const int flags = access == Access::read_only
                        ? SQLITE_OPEN_READONLY
                        : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(opened);
  if (opened == nullptr) return error_of(SQLITE_NOMEM, "open " + path);
  if (code != SQLITE_OK) return error_of(sqlite3_extended_errcode(opened), "open " + path);
  sqlite3_extended_result_codes(opened, 1);
  constexpr int kPatienceMs = 2000;
  sqlite3_busy_timeout(opened, kPatienceMs);
  return database;
}

Result<bool> Database::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return true;
  return error_of(sqlite3_extended_errcode(database_.get()), "change the record store");
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code == SQLITE_OK) return Statement(statement);
  return error_of(sqlite3_extended_errcode(database_.get()), "read the record store");
}

Result<std::int64_t> Database::number(const char* sql) const {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->number(0) : 0;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(database_.get());
}

void Database::limit_until(std::optional<std::chrono::steady_clock::time_point> end) {
  constexpr int kStepsBetween = 1000;
  if (!end) return sqlite3_progress_handler(database_.get(), 0, nullptr, nullptr);
  end_ = std::make_unique<std::chrono::steady_clock::time_point>(*end);
  sqlite3_progress_handler(database_.get(), kStepsBetween, is_over, end_.get());
}

}  // namespace sockward
