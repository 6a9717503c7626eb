#include "record/cause.hpp"

#include <array>
#include <utility>

namespace sockward {
namespace {

constexpr std::array<std::string_view, 40> kNames = {"path_too_long",
                                                     "path_truncated",
                                                     "path_refused_in_userspace",
                                                     "path_near_limit",
                                                     "address_in_use",
                                                     "abstract_name_collision",
                                                     "connection_still_open",
                                                     "address_in_time_wait",
                                                     "stale_socket",
                                                     "stale_socket_unremovable",
                                                     "path_occupied",
                                                     "name_stolen",
                                                     "directory_not_writable",
                                                     "directory_not_searchable",
                                                     "socket_permission",
                                                     "privileged_port",
                                                     "broadcast_denied",
                                                     "policy_denied",
                                                     "address_not_local",
                                                     "ports_exhausted",
                                                     "read_only_filesystem",
                                                     "symlink_refused",
                                                     "symlink_loop",
                                                     "hostname_changed",
                                                     "hostname_denied",
                                                     "hostname_too_long",
                                                     "path_missing",
                                                     "served_in_other_namespace",
                                                     "listens_on_other_address",
                                                     "nothing_listens",
                                                     "refused_by_peer",
                                                     "no_answer",
                                                     "unreachable",
                                                     "accept_queue_full",
                                                     "address_not_ready",
                                                     "connection_exists",
                                                     "mounted_socket_gone",
                                                     "no_sockets_on_filesystem",
                                                     "scope_missing",
                                                     "unknown"};
static_assert(static_cast<std::size_t>(Cause::unknown) + 1 == kNames.size());

template <std::size_t... I>
constexpr std::array<Cause, sizeof...(I)> number_causes(std::index_sequence<I...>) {
  return {static_cast<Cause>(I)...};
}
constexpr auto kCauses = number_causes(std::make_index_sequence<kNames.size()>());

}  // namespace

std::string_view to_string(Cause cause) {
  return kNames.at(static_cast<std::size_t>(cause));
}

std::span<const Cause> all_causes() {
  return kCauses;
}

std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::certain:
      return "certain";
    case Confidence::likely:
      return "likely";
    case Confidence::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace sockward
