#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "delivery/delivery_queue.hpp"
#include "delivery/group_limits.hpp"
#include "record/record.hpp"
#include "record/resource.hpp"
#include "record/sink.hpp"

namespace sockward {

/// A record as fields of the journal (systemd.journal-fields(7)): "MESSAGE=…", "PRIORITY=4",
/// "SOCKWARD_CAUSE=address_in_use". A list becomes several fields of one name. The host is left out: the
/// journal adds it. OBJECT_SYSTEMD_UNIT or OBJECT_SYSTEMD_USER_UNIT names the unit of a caller outside
/// containers: `systemctl status` and `journalctl -u` of that unit show the entry, because a process of root
/// sends it. `left_out`: entries of the unit that were not sent before this one. Texts are printable, so no
/// field holds a newline. Pure.
std::vector<std::string> journal_fields(const Record& record, CommandArgs arguments,
                                        std::uint64_t left_out = 0);

/// Is standard output the journal's? systemd says so in $JOURNAL_STREAM (systemd.exec(5)).
bool stdout_is_journal();

/// Writes records to the local journal as native fields. write() only queues: a journald that hangs holds up
/// nothing. Records that it does not take are dropped and counted, and so are those beyond `per_minute` of
/// one unit (0: any number), or of one container where there is no unit.
class JournaldSink final : public Sink {
 public:
  JournaldSink(CommandArgs arguments, std::uint32_t per_minute, DeliveryCounts& counts);

  bool write(const Record& record) override;

 private:
  const CommandArgs arguments_;
  DeliveryCounts& counts_;
  GroupLimits limits_;
  DeliveryQueue queue_;
};

}  // namespace sockward
