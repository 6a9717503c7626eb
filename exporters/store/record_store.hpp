#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "store/sqlite.hpp"
#include "store/stored_record.hpp"
#include "telemetry/store_stats.hpp"

namespace sockward {

/// How much is kept.
struct StoreLimits {
  std::uint64_t largest_bytes = std::uint64_t{64} << 20;  ///< of the file with its log, 8 MiB at least
  std::chrono::seconds longest{168 * 3600};
};

/// The file of records, open for writing (docs/adr/0015). Used by one thread.
class RecordStore {
 public:
  /// Of the schema below, in user_version. A file with a greater one is not touched.
  static constexpr std::int64_t kSchema = 1;

  /// Opens the file, or makes it. One that is damaged or of a newer schema is renamed to
  /// PATH.damaged-TIME or PATH.newer-TIME, which the log says, and replaced. `stats` must outlive it.
  static Result<RecordStore> open(const std::string& path, StoreLimits limits, StoreStats& stats);

  /// Adds records in one transaction: all of them, or none.
  Result<bool> add(std::span<const StoredRecord> records);
  /// Removes what is over the limits, and brings `stats` up to date.
  Result<bool> prune(WallTime now);
  /// Tries to make the log small again: what can be done about a full disk.
  void shrink_log();
  /// False when the file was removed or replaced by somebody.
  bool is_in_place() const;

 private:
  RecordStore(std::string path, StoreLimits limits, StoreStats& stats, Database database, Statement record,
              Statement body);
  Result<bool> add_one(const StoredRecord& record);
  Result<std::int64_t> remove_oldest(std::int64_t before_ns);
  Result<bool> prune_by_size();
  Result<bool> count_bytes();

  std::string path_;
  StoreLimits limits_;
  StoreStats* stats_;
  Database database_;
  Statement add_record_, add_body_;
  std::uint64_t device_ = 0, inode_ = 0;
};

/// Renames the file and its log to PATH.WHY-TIME and says so in the log. Keeps the latest two of a kind.
Result<bool> set_store_aside(const std::string& path, const char* why, const std::string& reason);

}  // namespace sockward
