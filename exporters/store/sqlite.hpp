#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sockward {

/// The errors of SQLite as std::error_code: values are its result codes.
const std::error_category& sqlite_category();
/// The file is no database, or is damaged.
bool is_damage(const Error& error);
/// The file system is full.
bool is_disk_full(const Error& error);

/// A prepared statement. Used by one thread; must not outlive its database.
class Statement {
 public:
  Statement& bind(int place, std::int64_t value);
  Statement& bind(int place, std::string_view text);  ///< copied
  Statement& bind_null(int place);
  /// Steps to the next row. false: there is none, and the statement can be bound and run again.
  Result<bool> step();
  std::int64_t number(int column) const;
  std::string text(int column) const;  ///< empty: null

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection to an SQLite file. Used by one thread.
class Database {
 public:
  enum class Access { read_only, read_write };
  static Result<Database> open(const std::string& path, Access access);

  /// Runs statements that have no rows to read.
  Result<bool> run(const char* sql);
  Result<Statement> prepare(std::string_view sql) const;
  /// The single number of a query or pragma.
  Result<std::int64_t> number(const char* sql) const;
  std::int64_t changes() const;  ///< rows that the last statement changed
  /// From now on statements fail (SQLITE_INTERRUPT) once the time is over; nullopt: never.
  void limit_until(std::optional<std::chrono::steady_clock::time_point> end);

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<std::chrono::steady_clock::time_point> end_;
};

}  // namespace sockward
