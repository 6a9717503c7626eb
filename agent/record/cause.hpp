#pragma once
#include <span>
#include <string_view>

namespace sockward {

/// Why a call failed. Closed: it is a metric label (the Contract, DESIGN section 4).
enum class Cause {
  path_too_long,
  path_truncated,
  path_refused_in_userspace,
  path_near_limit,
  address_in_use,
  abstract_name_collision,
  connection_still_open,
  address_in_time_wait,
  stale_socket,
  stale_socket_unremovable,
  path_occupied,
  name_stolen,
  directory_not_writable,
  directory_not_searchable,
  socket_permission,
  privileged_port,
  broadcast_denied,
  policy_denied,
  address_not_local,
  ports_exhausted,
  read_only_filesystem,
  symlink_refused,
  symlink_loop,
  hostname_changed,
  hostname_denied,
  hostname_too_long,
  path_missing,
  served_in_other_namespace,
  listens_on_other_address,
  nothing_listens,
  refused_by_peer,
  no_answer,
  unreachable,
  accept_queue_full,
  address_not_ready,
  connection_exists,
  mounted_socket_gone,
  no_sockets_on_filesystem,
  scope_missing,
  unknown
};

std::string_view to_string(Cause cause);
std::span<const Cause> all_causes();

/// certain: every link of the chain was observed, in registers or kernel data, and was so when the call
/// returned. Computed from the evidence by the engine (diagnose/engine.cpp), never written by a rule.
enum class Confidence { certain, likely, unknown };

std::string_view to_string(Confidence confidence);

}  // namespace sockward
