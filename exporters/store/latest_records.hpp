#pragma once
#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "record/sink.hpp"
#include "store/query.hpp"

namespace sockward {

/// The latest records in memory: what is answered from where there is no record store. Thread-safe.
class LatestRecords final : public Sink, public RecordSource {
 public:
  static constexpr std::size_t kKept = 500;

  explicit LatestRecords(CommandArgs arguments) : arguments_(arguments) {}
  bool write(const Record& record) override;
  Result<Answer> answer(const Query& query) const override;
  /// The latest `limit` as JSON, newest first.
  std::vector<std::string> json(std::size_t limit) const;
  const char* name() const override { return "agent"; }
  /// Of the records that come from now on.
  void show_arguments(CommandArgs arguments) { arguments_ = arguments; }

 private:
  std::atomic<CommandArgs> arguments_;
  mutable std::mutex mutex_;
  std::deque<StoredRecord> records_;
};

}  // namespace sockward
