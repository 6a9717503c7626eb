#pragma once
#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "record/record.hpp"
#include "record/resource.hpp"
#include "record/sink.hpp"

namespace sockward {

/// Keeps the latest records for the page and the API. Thread-safe; bounded.
class RecentRecords final : public Sink {
 public:
  static constexpr std::size_t kKept = 500;

  explicit RecentRecords(CommandArgs arguments) : arguments_(arguments) {}
  bool write(const Record& record) override;
  /// Of the records that come from now on.
  void show_arguments(CommandArgs arguments) { arguments_ = arguments; }

  struct Entry {
    std::string json, time, severity, container, headline, cause, confidence, advice, holder;  ///< printable
    std::vector<std::string> evidence;                                                         ///< printable
  };
  /// The latest `limit`, newest first.
  std::vector<Entry> latest(std::size_t limit) const;

 private:
  std::atomic<CommandArgs> arguments_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
};

}  // namespace sockward
