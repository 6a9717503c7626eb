#include "prometheus/metric_tables.hpp"

namespace sockward {
namespace {

void add_written(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.sources.store.written);
}

void add_dropped(const Scrape& scrape, FamilyBuilder& family) {
  const StoreStats& store = scrape.sources.store;
  family.count({"queue_full"}, store.dropped_queue_full)
      .count({"disk_full"}, store.dropped_disk_full)
      .count({"write_error"}, store.dropped_write_error);
}

void add_removed(const Scrape& scrape, FamilyBuilder& family) {
  family.count({"size"}, scrape.sources.store.removed_size).count({"age"}, scrape.sources.store.removed_age);
}

void add_set_aside(const Scrape& scrape, FamilyBuilder& family) {
  family.count({"damaged"}, scrape.sources.store.set_aside_damaged)
      .count({"newer"}, scrape.sources.store.set_aside_newer);
}

void add_bytes(const Scrape& scrape, FamilyBuilder& family) {
  family.count({}, scrape.sources.store.bytes);
}

void add_oldest(const Scrape& scrape, FamilyBuilder& family) {
  family.add({}, static_cast<double>(scrape.sources.store.oldest_ns.load()) / 1e9);
}

void add_queries(const Scrape& scrape, FamilyBuilder& family) {
  const QueryStats& queries = scrape.sources.queries;
  family.count({"answered"}, queries.answered)
      .count({"bad_request"}, queries.bad_request)
      .count({"slow"}, queries.slow)
      .count({"busy"}, queries.busy)
      .count({"failed"}, queries.failed);
}

using enum MetricType;

constexpr Metric kStore[] = {
    {{"sockward_store_records_total", counter, "", "Records written to the record store.", true},
     add_written},
    {{"sockward_store_dropped_total", counter, "reason",
      "Records that are not in the record store: queue_full (it could not keep up), "
      "disk_full, write_error (see the log).",
      true},
     add_dropped},
    {{"sockward_store_removed_total", counter, "reason",
      "Records removed from the record store because of records.store_max_bytes (size) "
      "or records.store_max_age (age).",
      true},
     add_removed},
    {{"sockward_store_set_aside_total", counter, "reason",
      "Files of the record store that were renamed and replaced: damaged, "
      "or written by a newer version (newer).",
      true},
     add_set_aside},
    {{"sockward_store_bytes", gauge, "", "Size of the record store with its log; 0 without one.", true},
     add_bytes},
    {{"sockward_store_oldest_record_timestamp_seconds", gauge, "",
      "Time of the oldest record in the record store since the epoch; 0 when it is empty or there is none.",
      true},
     add_oldest},
    {{"sockward_queries_total", counter, "outcome",
      "Questions of sockward why: answered, bad_request, slow (the client sent or read too slowly, or left), "
      "busy (too many at a time), failed (no answer from the agent or the store).",
      true},
     add_queries},
};

}  // namespace

MetricTable store_metrics() {
  return kStore;
}

}  // namespace sockward
