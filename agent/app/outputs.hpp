#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "delivery/delivery_counts.hpp"
#include "jsonl/jsonl_sink.hpp"
#include "page/recent_records.hpp"
#include "record/sink.hpp"

namespace sockward {

/// Delivery outcome of the records at each output; outlives every sink.
struct OutputCounts {
  DeliveryCounts standard_output, file, journald, otlp, alerts;
};

/// Makes the sinks that the settings ask for, at the start and again at each reload, and owns what outlives
/// them. recent() and counts() are thread-safe; the rest is used by one thread.
class Outputs {
 public:
  explicit Outputs(const Settings& settings) : recent_(settings.records.command_args) {}

  /// Throws StartupError when one cannot be had; the previous ones then stay as they are. `clock` must
  /// outlive the sinks.
  std::vector<std::unique_ptr<Sink>> make(const Settings& settings, const Clock& clock);
  /// records.file was moved away (logrotate): the latest file sink opens it again.
  void reopen_file();

  const RecentRecords& recent() const { return recent_; }
  const OutputCounts& counts() const { return counts_; }

 private:
  RecentRecords recent_;
  OutputCounts counts_;
  JsonFileSink* file_ = nullptr;  // among the sinks made last
};

}  // namespace sockward
