#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "delivery/delivery_counts.hpp"
#include "page/recent_records.hpp"
#include "record/sink.hpp"

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

  const RecentRecords& recent() const { return recent_; }
  /// Delivery outcome of the records at each output, by the `sink` label of its metrics.
  std::vector<std::pair<std::string, const DeliveryCounts*>> record_counts() const;
  const DeliveryCounts& alert_counts() const { return alert_counts_; }

 private:
  RecentRecords recent_;
  DeliveryCounts alert_counts_;
  std::map<std::string_view, DeliveryCounts> counts_;  // by output
  std::vector<Sink*> latest_;                          // the sinks made last; the pipeline owns them
};

}  // namespace sockward
