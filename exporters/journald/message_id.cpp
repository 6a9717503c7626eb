#include "journald/message_id.hpp"

#include <cstddef>
#include <iterator>

namespace sockward {
namespace {

// Chosen once, never changed: people search for them. In the order of the causes.
constexpr std::string_view kIds[] = {
    "ea0fe5782aff5d9fbe454284cb16bd49",  // path_too_long
    "1b16d93380b653dda67588c0816865f0",  // path_truncated
    "4c9682bd1cfa52c0bcc21401918cd2ed",  // path_refused_in_userspace
    "dcbf10f2e9f852c0b85ea6ffee1d2dff",  // path_near_limit
    "7a88271f664c510cb607acd30e2e4862",  // address_in_use
    "a47c0ec660b35ee8a387606dfdfbfec0",  // abstract_name_collision
    "91ca913250545267a121cf4e044082c9",  // connection_still_open
    "bd15ef40ef045e13a8b5883ac5e5bc37",  // address_in_time_wait
    "27419d9921cd55a9a764a5988ad0eb4f",  // stale_socket
    "92a851eed03e550cb61db8c5829b6549",  // stale_socket_unremovable
    "05fc2a33dff851b7a0ba762d41147d1c",  // path_occupied
    "fabd281e0dbd5e0c8de95f707c5d3ce7",  // name_stolen
    "3556a9752b1f5a39838650eac9ac4ddb",  // directory_not_writable
    "a24ce42d2a5b55d5badebeb64b8aeae5",  // directory_not_searchable
    "ba769432de635e8895282e01411e4fdc",  // socket_permission
    "626f5a13f2275537be7ca62d2930247c",  // privileged_port
    "6b9131a40d565721a0930f59f1badc06",  // broadcast_denied
    "60b0a17c7d9a50e695b0dac351f3c12a",  // policy_denied
    "f39d35b69ed25ad49d76e2058ae39732",  // address_not_local
    "3d0356dc23885882854e6bbe582879cb",  // ports_exhausted
    "3b41c4db84fc59f7bb8532a8aa06908f",  // read_only_filesystem
    "efd9ae60642f596aae68304dcdb3b911",  // symlink_refused
    "92148b30cdf557e6879763f368975161",  // symlink_loop
    "accff18146dc52f1afdae53d9dbac9fd",  // hostname_changed
    "07f5f1c45e5851a094a4f42492213d20",  // hostname_denied
    "7f8af7f122cd584db66d9fdeec4f6cdf",  // hostname_too_long
    "b3555a6b1ec857799b4c23ea62ffd8d4",  // path_missing
    "6c94b5ac7abc50a496e79e95fb4d584b",  // served_in_other_namespace
    "25c52a1185575d568da33caf8333b83a",  // listens_on_other_address
    "2aad887fd8c85cc1a7326494975a0a97",  // nothing_listens
    "2111e54dab56526da3a7fb98a070494e",  // refused_by_peer
    "5d8bcc68cc5e5c30811c05b31b0dbcd8",  // no_answer
    "5d2aa01b7af75d398beb36ad4472620a",  // unreachable
    "a55a2403653551e1ac1b6050e6e4d88c",  // accept_queue_full
    "fc01b7ed6a825d3f811abb763ed35d56",  // address_not_ready
    "7ca1aaf5b53e5e078d452a06be050dd0",  // connection_exists
    "fbac160c82d1511f816f685c582abe5d",  // mounted_socket_gone
    "497af403835d5e5cbbaa1370e3dc0489",  // no_sockets_on_filesystem
    "f4b70b191b495725a8ffaf6ccd5ef889",  // scope_missing
    "41d74a44a7ff5981ab5c4b777c02a1ba",  // unknown
};

}  // namespace

std::string_view message_id_of(Cause cause) {
  static_assert(std::size(kIds) == static_cast<std::size_t>(Cause::unknown) + 1);
  return kIds[static_cast<std::size_t>(cause)];
}

}  // namespace sockward
