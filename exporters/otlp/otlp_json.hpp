#pragma once
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "jsonl/json_record.hpp"

namespace sockward {

/// A record's JSON line (jsonl/json_record.hpp) as an OTLP LogRecord in JSON encoding (opentelemetry-proto,
/// logs/v1: 64-bit numbers are texts, an attribute is a key and a typed value). Empty: it was no such line.
std::string to_otlp_record(const std::string& line, WallTime time);
/// An ExportLogsServiceRequest of such records, for POST /v1/logs.
std::string to_otlp_request(const std::vector<std::string>& records, const Resource& resource);

}  // namespace sockward
