#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "alertmanager/alert_book.hpp"
#include "delivery/delivery_counts.hpp"
#include "http/client.hpp"
#include "record/sink.hpp"

namespace sockward {

struct AlertOptions {
  std::vector<HttpTarget> targets;  ///< each gets every alert: Alertmanagers deduplicate among themselves
  AlertTimes times;
  AlertIdentity identity;
  Severity least = Severity::warn;  ///< records below this raise no alert
  std::set<std::string> causes;     ///< only these; empty: all but `unknown`
};

/// Turns records into alerts and keeps Alertmanagers informed. write() only notes the occurrence; one thread
/// for each Alertmanager posts what is new at once and what is active again and again, so that neither a
/// restart of one nor an outage loses an alert that is still held. Thread-safe against itself only.
class AlertSink final : public Sink {
 public:
  /// Throws StartupError (usage) when a target cannot be used. `counts` and `clock` must outlive it.
  AlertSink(AlertOptions options, const Clock& clock, DeliveryCounts& counts);
  AlertSink(const AlertSink&) = delete;
  AlertSink& operator=(const AlertSink&) = delete;
  ~AlertSink() override;  ///< what is new is sent first, for two seconds at most

  bool write(const Record& record) override;

 private:
  class Receiver;
  bool wanted(const Record& record) const;

  AlertOptions options_;
  const Clock& clock_;
  DeliveryCounts& counts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  AlertBook book_;
  std::uint64_t news_ = 0;
  bool closing_ = false;
  std::vector<std::unique_ptr<Receiver>> receivers_;  // last: their threads use everything above
};

}  // namespace sockward
