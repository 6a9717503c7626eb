#pragma once
#include <string>
#include <vector>

#include "delivery/delivery_queue.hpp"
#include "record/record.hpp"
#include "record/resource.hpp"

namespace sockward {

/// A record as an OTLP LogRecord in JSON encoding (opentelemetry-proto, logs/v1: 64-bit numbers are texts, an
/// attribute is a key and a typed value), with the attributes of its resource as the group. Pure.
DeliveryQueue::Item to_otlp_record(const Record& record, CommandArgs arguments);
/// An ExportLogsServiceRequest of such records, for POST /v1/logs: one ResourceLogs for each run of records
/// with the same resource. Pure.
std::string to_otlp_request(const std::vector<DeliveryQueue::Item>& records);

}  // namespace sockward
