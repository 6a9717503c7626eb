#pragma once
#include <atomic>
#include <cstdint>

namespace sockward {

/// What became of the records given to the record store, and the state of its file. Thread-safe.
struct StoreStats {
  std::atomic<std::uint64_t> written{0};
  // Records that are not in the file:
  std::atomic<std::uint64_t> dropped_queue_full{0};   ///< the store could not keep up
  std::atomic<std::uint64_t> dropped_disk_full{0};    ///< no space on the file system
  std::atomic<std::uint64_t> dropped_write_error{0};  ///< anything else that SQLite said
  // Records that were in it:
  std::atomic<std::uint64_t> removed_size{0};  ///< the oldest, to keep to records.store_max_bytes
  std::atomic<std::uint64_t> removed_age{0};   ///< older than records.store_max_age
  // Files that were renamed and replaced:
  std::atomic<std::uint64_t> set_aside_damaged{0};
  std::atomic<std::uint64_t> set_aside_newer{0};  ///< written by a newer version
  std::atomic<std::uint64_t> bytes{0};            ///< the file with its log (WAL); 0: there is no store
  std::atomic<std::int64_t> oldest_ns{0};         ///< wall time of the oldest record; 0: there is none
};

}  // namespace sockward
