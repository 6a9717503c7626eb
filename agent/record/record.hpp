#pragma once
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "event/event.hpp"
#include "record/context.hpp"
#include "record/diagnosis.hpp"
#include "record/resource.hpp"
#include "record/severity.hpp"

namespace sockward {

/// `sockward.call.failed`, `sockward.name.too_long`, `sockward.name.stolen`, `sockward.hostname.changed`
enum class EventName { call_failed, name_too_long, name_stolen, hostname_changed };
std::string_view to_string(EventName name);

/// One line of output: what happened, to whom, and why.
struct Record {
  Event event;
  WallTime time;
  Resource resource;  ///< as it was at that time: a host may be renamed
  Context context;
  Diagnosis diagnosis;
  bool host_scope = false;    ///< host-name calls: the namespace is the host's
  std::uint64_t repeats = 0;  ///< calls that are reported with this one instead of in records of their own

  std::string container_label() const { return context.container ? context.container->label() : "~other"; }
};

EventName event_name_of(const Record& record);
/// False for a call that worked and means nothing: such events only feed the history.
bool is_reportable(const Record& record);
Severity severity_of(const Record& record);
/// One sentence, printable.
std::string body_of(const Record& record);
/// What it was about, printable: `unix:/run/x.sock`, `"/run/x.sock"` (a path call), `"web"` (a host name).
std::string subject_of(const Record& record);
/// "EADDRINUSE"; "OK" for a success; "errno 200" for a number without a name.
std::string error_label(const Event& event);
/// "nginx[4121] uid 0", printable.
std::string caller_text(const Record& record);
/// "nginx[612] uid 0 in lxc:web (gone)", printable; empty: no holder is known.
std::string holder_text(const Diagnosis& diagnosis);

}  // namespace sockward
