#pragma once
#include <sockward/event.h>

#include "telemetry/socket_scan.hpp"

struct bpf_link;

namespace sockward {

/// Keys of the name table, to and fro.
sockward_bound_name to_wire(const BoundName& name);
std::optional<BoundName> from_wire(const sockward_bound_name& name);
SocketOwner from_wire(const sockward_binder& binder);

/// Looks one name up in the name table.
std::optional<SocketOwner> look_up_binder(int map_fd, const BoundName& name);
/// How many names the name table holds now. nullopt: it cannot be told.
std::optional<std::uint64_t> count_binders(int map_fd);
/// Puts the socket files that are bound now into the table of directory entries (keys there are kept), so
/// that a later bind under the same name is told from a first one.
void seed_entries(const bpf_link* iterator, int map_fd);
/// Runs the file iterator once.
Result<bool> walk_sockets(const bpf_link* iterator, SocketList& into);

}  // namespace sockward
