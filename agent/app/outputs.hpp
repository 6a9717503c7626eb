#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "delivery/delivery_counts.hpp"
#include "record/sink.hpp"
#include "store/latest_records.hpp"
#include "store/query.hpp"
#include "store/store_sink.hpp"
#include "telemetry/store_stats.hpp"

namespace sockward {

/// Makes the sinks that the settings ask for, at the start and again at each reload, and owns what outlives
/// them: the counts and the recent records, which any thread may read. The rest is used by one thread.
class Outputs {
 public:
  explicit Outputs(const Settings& settings);

  /// Throws StartupError when one cannot be had; the previous ones then stay as they are. `clock` must
  /// outlive the sinks.
  std::vector<std::unique_ptr<Sink>> make(const Settings& settings, const Clock& clock);
  /// Files were moved away (logrotate): those of the sinks that were made last are opened again.
  void reopen_files();

  const LatestRecords& latest_records() const { return latest_records_; }
  /// Delivery outcome of the records at each output, by the `sink` label of its metrics.
  std::vector<std::pair<std::string, const DeliveryCounts*>> record_counts() const;
  const DeliveryCounts& alert_counts() const { return alert_counts_; }
  const StoreStats& store_stats() const { return store_stats_; }
  /// What `sockward why` asks for: from the record store, or without one from the latest records. From any
  /// thread. Error: it cannot be read.
  Result<Answer> answer(const Query& query, const char*& source) const;

 private:
  std::shared_ptr<Sink> make_store(const Settings& settings);

  LatestRecords latest_records_;
  StoreStats store_stats_;
  std::shared_ptr<StoreSink> store_;  // null: there is none; the sinks made last use it, too
  std::string store_path_;            // its file
  mutable std::mutex store_mutex_;    // for these two: the thread that answers reads them
  DeliveryCounts alert_counts_;
  std::map<std::string_view, DeliveryCounts> counts_;  // by output
  std::vector<Sink*> latest_;                          // the sinks made last; the pipeline owns them
};

}  // namespace sockward
