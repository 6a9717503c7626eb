#pragma once
#include <string>
#include <vector>

#include "delivery/delivery_queue.hpp"
#include "jsonl/json_record.hpp"
#include "record/sink.hpp"

namespace sockward {

/// A record's JSON line as fields of the journal (systemd.journal-fields(7)): "MESSAGE=…", "PRIORITY=4",
/// "SOCKWARD_CAUSE=address_in_use". A list becomes several fields of one name. Empty: it was no such line.
/// Pure.
std::vector<std::string> journal_fields(const std::string& line);

/// Writes records to the local journal as native fields. write() only queues: a journald that hangs holds up
/// nothing. Records that it does not take are dropped and counted.
class JournaldSink final : public Sink {
 public:
  JournaldSink(Resource resource, CommandArgs arguments, DeliveryCounts& counts);

  bool write(const Record& record) override {
    queue_.add(to_json(record, resource_, arguments_));
    return true;
  }

 private:
  const Resource resource_;
  const CommandArgs arguments_;
  DeliveryQueue queue_;
};

}  // namespace sockward
