#pragma once
#include <sockward/event.h>

#include "kernel/socket_scan.hpp"

struct bpf_link;

namespace sockward {

/// The file iterator and the maps that tell it what to look for.
struct SocketIterator {
  const bpf_link* link = nullptr;
  int filter_fd = -1, names_fd = -1;
};

/// Keys of the name table, to and fro.
sockward_bound_name to_wire(const BoundName& name);
std::optional<BoundName> from_wire(const sockward_bound_name& name);

/// Looks one name up in the name table.
std::optional<SocketOwner> look_up_binder(int map_fd, const BoundName& name);
/// How many names the name table holds now. nullopt: it cannot be told.
std::optional<std::uint64_t> count_binders(int map_fd);
/// Names that seed_tables() met and the name table did not hold.
struct SeededNames {
  std::uint64_t stored = 0, left_out = 0;
};
/// Puts what is bound already into the tables; keys there are kept. Into that of directory entries the socket
/// files, so that a later bind under the same name is told from a first one. Into the name table whoever has
/// the socket open, as its binder, at most `room` of them: listeners first, then what else can have been
/// bound to names of AF_UNIX, then the rest.
SeededNames seed_tables(const SocketIterator& iterator, int entries_fd, int names_fd, std::size_t room);
/// Looks at the sockets behind all unix and netlink names of the name table (BoundSockets::note_released).
Result<bool> note_released_names(const bpf_link* iterator, int names_fd, int looked_fd);
/// Runs the file iterator once. One at a time.
Result<bool> iterate_sockets(const SocketIterator& iterator, const SocketFilter& filter, SocketList& into);
/// A socket that was known, as the kernel has it now, if it is alive and has the name still. Whether its
/// owner has it open is not looked at. `iterator`: that of names. One at a time.
std::optional<OpenSocket> look_at_socket(const bpf_link* iterator, int asked_fd, const OpenSocket& known);

}  // namespace sockward
