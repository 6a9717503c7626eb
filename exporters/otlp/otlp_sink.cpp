#include "otlp/otlp_sink.hpp"

#include "base/log.hpp"
#include "otlp/otlp_json.hpp"

namespace sockward {

OtlpSink::OtlpSink(HttpTarget target, CommandArgs arguments, DeliveryCounts& counts)
    : client_(std::move(target)),
      arguments_(arguments),
      queue_([this](const std::vector<DeliveryQueue::Item>& records) { return deliver(records); }, counts) {}

bool OtlpSink::write(const Record& record) {
  queue_.add(to_otlp_record(record, arguments_));
  return true;
}

DeliveryQueue::Outcome OtlpSink::deliver(const std::vector<DeliveryQueue::Item>& records) {
  using Outcome = DeliveryQueue::Outcome;
  const auto status = client_.post("/v1/logs", to_otlp_request(records), "application/json");
  if (status && *status >= 200 && *status < 300) {
    quiet_ = false;
    return Outcome::delivered;
  }
  if (!quiet_)
    log_warn("cannot deliver records to {}: {}", client_.url(),
             status ? "it answered " + std::to_string(*status) : status.error().text());
  quiet_ = true;
  // OTLP/HTTP: 429, 502, 503 and 504 are worth another try, every other answer is final.
  const bool later = !status || *status == 429 || *status == 502 || *status == 503 || *status == 504;
  return later ? Outcome::retry : Outcome::refused;
}

}  // namespace sockward
