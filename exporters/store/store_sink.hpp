#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "record/resource.hpp"
#include "record/sink.hpp"
#include "store/record_store.hpp"

namespace sockward {

struct StoreOptions {
  std::string path;
  StoreLimits limits;
  CommandArgs arguments = CommandArgs::off;
  std::size_t queued = 2048;  ///< records
  std::chrono::milliseconds between_commits{1000};
  bool operator==(const StoreOptions& other) const {
    return path == other.path && limits.largest_bytes == other.limits.largest_bytes &&
           limits.longest == other.limits.longest && arguments == other.arguments;
  }
};

/// Hands records to the record store, which a thread of its own writes. write() never waits: when the queue
/// is full the oldest record in it is dropped and counted. The first record after a quiet time is committed
/// at once, others at most every `between_commits` or 256 records.
class StoreSink final : public Sink {
 public:
  /// Throws StartupError when the file cannot be made. `stats` must outlive it.
  StoreSink(StoreOptions options, StoreStats& stats);
  StoreSink(const StoreSink&) = delete;
  StoreSink& operator=(const StoreSink&) = delete;
  ~StoreSink() override;  ///< writes what is queued

  bool write(const Record& record) override;
  const StoreOptions& options() const { return options_; }
  /// Somebody who reads the file met a damage: it is opened again and checked. From any thread.
  void check_again();

 private:
  void work();
  std::vector<StoredRecord> take_batch();
  void store(const std::vector<StoredRecord>& batch);
  bool open_store();
  void note_failure(const Error& error, std::size_t dropped);
  void look_after();

  const StoreOptions options_;
  StoreStats& stats_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<StoredRecord> queue_;
  bool closing_ = false, suspect_ = false;
  // Of the thread alone:
  std::optional<RecordStore> store_;
  std::chrono::steady_clock::time_point committed_{}, looked_after_{};
  bool failing_ = false;       // which the log says once
  std::uint64_t dropped_ = 0;  // since then
  std::thread worker_;         // last: it uses everything above
};

}  // namespace sockward
