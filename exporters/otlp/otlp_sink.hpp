#pragma once
#include "delivery/delivery_queue.hpp"
#include "http/client.hpp"
#include "record/resource.hpp"
#include "record/sink.hpp"

namespace sockward {

/// Sends records to an OpenTelemetry collector: OTLP/HTTP in JSON encoding, POST /v1/logs. write() only
/// queues.
class OtlpSink final : public Sink {
 public:
  /// `target.url` is the collector's base, http://127.0.0.1:4318. Throws StartupError (usage). `counts` must
  /// outlive it.
  OtlpSink(HttpTarget target, CommandArgs arguments, DeliveryCounts& counts);

  bool write(const Record& record) override;

 private:
  DeliveryQueue::Outcome deliver(const std::vector<DeliveryQueue::Item>& records);

  HttpClient client_;
  const CommandArgs arguments_;
  bool quiet_ = false;   // used by the queue's thread
  DeliveryQueue queue_;  // last: its thread uses everything above
};

}  // namespace sockward
