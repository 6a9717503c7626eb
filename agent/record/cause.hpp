#pragma once
#include <span>
#include <string_view>

#include "event/event.hpp"
#include "record/severity.hpp"

namespace sockward {

/// Every cause, in one place: its name, the severity of a record that has it, and the calls that it explains.
/// The name is also that of its rule (agent/diagnose/rules) and of its page (docs/diagnoses/<name>.md).
///
/// Closed: it is a label of metrics, and a value in records (docs/contract.md).
#define SOCKWARD_SENDS sendto, sendmsg, sendmmsg
#define SOCKWARD_CAUSES(CAUSE)                                                      \
  CAUSE(path_too_long, warn, bind, connect, SOCKWARD_SENDS, unlink, unlinkat)       \
  CAUSE(path_truncated, warn, bind, connect, SOCKWARD_SENDS)                        \
  CAUSE(path_refused_in_userspace, warn, execve)                                    \
  CAUSE(path_near_limit, info, bind)                                                \
  CAUSE(address_in_use, warn, bind)                                                 \
  CAUSE(abstract_name_collision, warn, bind)                                        \
  CAUSE(connection_still_open, warn, bind)                                          \
  CAUSE(address_in_time_wait, warn, bind)                                           \
  CAUSE(stale_socket, warn, bind, connect, SOCKWARD_SENDS)                          \
  CAUSE(stale_socket_unremovable, warn, bind)                                       \
  CAUSE(path_occupied, warn, bind, connect, SOCKWARD_SENDS)                         \
  CAUSE(name_stolen, warn, bind)                                                    \
  CAUSE(directory_not_writable, warn, bind)                                         \
  CAUSE(directory_not_searchable, warn, bind, connect, SOCKWARD_SENDS)              \
  CAUSE(socket_permission, warn, connect, SOCKWARD_SENDS)                           \
  CAUSE(privileged_port, warn, bind)                                                \
  CAUSE(broadcast_denied, warn, connect)                                            \
  CAUSE(policy_denied, warn, bind, connect, SOCKWARD_SENDS)                         \
  CAUSE(address_not_local, warn, bind, connect)                                     \
  CAUSE(ports_exhausted, warn, bind, connect)                                       \
  CAUSE(read_only_filesystem, warn, bind)                                           \
  CAUSE(symlink_refused, warn, openat2)                                             \
  CAUSE(symlink_loop, warn, bind, connect, SOCKWARD_SENDS, openat2)                 \
  CAUSE(hostname_changed, warn, sethostname, setdomainname)                         \
  CAUSE(hostname_denied, error, sethostname, setdomainname)                         \
  CAUSE(hostname_too_long, warn, sethostname, setdomainname)                        \
  CAUSE(path_missing, warn, bind, connect, SOCKWARD_SENDS)                          \
  CAUSE(served_in_other_namespace, warn, connect, SOCKWARD_SENDS)                   \
  CAUSE(listens_on_other_address, warn, connect)                                    \
  CAUSE(nothing_listens, warn, connect, SOCKWARD_SENDS)                             \
  CAUSE(refused_by_peer, warn, connect)                                             \
  CAUSE(no_answer, warn, connect)                                                   \
  CAUSE(unreachable, warn, connect)                                                 \
  CAUSE(accept_queue_full, warn, connect, SOCKWARD_SENDS)                           \
  CAUSE(address_not_ready, warn, bind, connect)                                     \
  CAUSE(connection_exists, warn, connect)                                           \
  CAUSE(mounted_socket_gone, warn, bind, connect, SOCKWARD_SENDS, unlink, unlinkat) \
  CAUSE(no_sockets_on_filesystem, warn, bind)                                       \
  CAUSE(scope_missing, warn, bind, connect)                                         \
  CAUSE(unknown, warn, bind, connect, SOCKWARD_SENDS)

/// Why a call failed, or what a record of one that worked is about.
enum class Cause {
#define SOCKWARD_ENUMERATOR(name, severity, ...) name,
  SOCKWARD_CAUSES(SOCKWARD_ENUMERATOR)
#undef SOCKWARD_ENUMERATOR
};

std::string_view to_string(Cause cause);
std::span<const Cause> all_causes();
/// Of every record with this cause, except those of a name that changed: see severity_of().
Severity usual_severity(Cause cause);
/// The calls whose failure or record may have this cause; never empty.
std::span<const Syscall> calls_explained_by(Cause cause);

/// certain: all evidence is proven for the moment when the call returned, and nothing else leaves the same.
/// Computed by confidence_of() (diagnose/finding.cpp), never written by a rule.
enum class Confidence { certain, likely, unknown };

std::string_view to_string(Confidence confidence);

}  // namespace sockward
