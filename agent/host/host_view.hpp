#pragma once
#include "host/audit/denial_view.hpp"
#include "host/bus/request_view.hpp"
#include "host/network/network_view.hpp"
#include "host/paths/path_view.hpp"
#include "host/process/process_view.hpp"
#include "host/sockets/socket_view.hpp"
#include "host/time_view.hpp"
#include "host/units/unit_view.hpp"

namespace sockward {

/// Facts about the host, asked after the call: one interface for each kind of question. The one seam between
/// rules and the system: tests pass fakes. All must outlive this.
///
/// An Error is an answer: "not visible", with the reason. Every look-up whose cost grows with the node has a
/// CPU budget; where it is exhausted the Error is std::errc::resource_unavailable_try_again, which means
/// nothing else here. Files and networks of a caller that is gone are among them: a process that shares its
/// view has to be searched for.
struct HostView {
  const ProcessView& processes;
  const PathView& paths;
  const SocketView& sockets;
  const NetworkView& network;
  const TimeView& time;
  const DenialView& denials;
  const UnitView& units;
  const RequestView& requests;
};

}  // namespace sockward
