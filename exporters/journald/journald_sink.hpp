#pragma once
#include <string>
#include <vector>

#include "delivery/delivery_queue.hpp"
#include "record/record.hpp"
#include "record/resource.hpp"
#include "record/sink.hpp"

namespace sockward {

/// A record as fields of the journal (systemd.journal-fields(7)): "MESSAGE=…", "PRIORITY=4",
/// "SOCKWARD_CAUSE=address_in_use". A list becomes several fields of one name. The host is left out: the
/// journal adds it. Texts are printable, so no field holds a newline. Pure.
std::vector<std::string> journal_fields(const Record& record, CommandArgs arguments);

/// Writes records to the local journal as native fields. write() only queues: a journald that hangs holds up
/// nothing. Records that it does not take are dropped and counted.
class JournaldSink final : public Sink {
 public:
  JournaldSink(CommandArgs arguments, DeliveryCounts& counts);

  bool write(const Record& record) override;

 private:
  const CommandArgs arguments_;
  DeliveryQueue queue_;
};

}  // namespace sockward
