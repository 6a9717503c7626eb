#pragma once
#include <optional>
#include <string_view>

#include "diagnose/facts.hpp"
#include "diagnose/finding.hpp"

namespace sockward {

/// Every rule, the first one with precedence: among equally sure answers the one that stands higher is given.
/// Each is a function in agent/diagnose/rules/<name>.cpp, listed here; all but observed_refusal and
/// path_changed_since have the name of the cause that they find (docs/architecture.md: Add a cause).
///
/// What a layer was seen to refuse comes first. Then what explains a name that does not fit, whatever else is
/// wrong with it; then who or what is in the way, the more telling cause before the plainer one; permissions
/// before the policies that are looked for when permissions allow a call.
#define SOCKWARD_RULES(RULE)      \
  RULE(observed_refusal)          \
  RULE(path_too_long)             \
  RULE(path_truncated)            \
  RULE(path_refused_in_userspace) \
  RULE(name_stolen)               \
  RULE(path_near_limit)           \
  RULE(hostname_changed)          \
  RULE(hostname_denied)           \
  RULE(hostname_too_long)         \
  RULE(mounted_socket_gone)       \
  RULE(stale_socket_unremovable)  \
  RULE(abstract_name_collision)   \
  RULE(address_in_use)            \
  RULE(connection_still_open)     \
  RULE(address_in_time_wait)      \
  RULE(path_occupied)             \
  RULE(served_in_other_namespace) \
  RULE(stale_socket)              \
  RULE(accept_queue_full)         \
  RULE(listens_on_other_address)  \
  RULE(nothing_listens)           \
  RULE(refused_by_peer)           \
  RULE(unreachable)               \
  RULE(no_answer)                 \
  RULE(path_missing)              \
  RULE(scope_missing)             \
  RULE(address_not_ready)         \
  RULE(address_not_local)         \
  RULE(connection_exists)         \
  RULE(ports_exhausted)           \
  RULE(privileged_port)           \
  RULE(read_only_filesystem)      \
  RULE(no_sockets_on_filesystem)  \
  RULE(directory_not_searchable)  \
  RULE(directory_not_writable)    \
  RULE(socket_permission)         \
  RULE(broadcast_denied)          \
  RULE(symlink_refused)           \
  RULE(symlink_loop)              \
  RULE(policy_denied)             \
  RULE(path_changed_since)

namespace rules {

#define SOCKWARD_DECLARE(name) std::optional<Finding> name(const Facts& facts);
SOCKWARD_RULES(SOCKWARD_DECLARE)
#undef SOCKWARD_DECLARE

}  // namespace rules
}  // namespace sockward
