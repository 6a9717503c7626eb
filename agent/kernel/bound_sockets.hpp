#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "event/event.hpp"
#include "event/socket_owner.hpp"
#include "kernel/socket_filter.hpp"

namespace sockward {

/// A name that a socket holds: what makes two of them the same for the kernel.
struct BoundName {
  enum class Kind { inet, abstract, path, netlink };
  Kind kind = Kind::path;
  NamespaceInode netns = 0;  ///< inet and abstract names; 0 for paths
  std::uint16_t protocol = 0;
  SocketAddress address;     ///< inet: address and port; abstract: the exact name; netlink: the port id
  std::uint64_t device = 0;  ///< path: as stat(2) has it
  std::uint64_t inode = 0;

  bool operator==(const BoundName&) const = default;
};

/// One descriptor of a bound socket.
struct OpenSocket {
  enum class State { listening, connected, idle };  ///< idle: bound only, or a datagram socket
  BoundName name;
  SocketOwner owner;
  std::uint32_t fd = 0;
  std::uint16_t type = 0;
  State state = State::idle;
  std::string path;                      ///< of a socket file, as it was bound; raw bytes
  std::uint32_t links = 1;               ///< of a socket file; 0: its name was removed
  std::uint32_t queue = 0, backlog = 0;  ///< connections or datagrams that wait, and how many may
};

class SocketList;

/// The kernel side's knowledge of who bound what. Thread-safe.
class BoundSockets {
 public:
  virtual ~BoundSockets() = default;
  /// The last one who bound this name, if it is remembered: the table is bounded and forgets the oldest.
  virtual std::optional<SocketOwner> binder(const BoundName& name) const = 0;
  /// Looks at the kernel's own sockets behind the names of socket files and abstract names that are
  /// remembered, and notes those that are gone: from then on binder() says when that was found out
  /// (Binding::released, at the latest). Also true of sockets that no process has open. Error: not
  /// possible on this kernel; then only what was seen to be released is noted.
  virtual Result<bool> note_released() const = 0;
  /// Adds every bound socket that a process has open. Cost: one pass over all open files of the node.
  virtual Result<bool> scan(SocketList& into) const = 0;
  /// The same for sockets that the filter asks for; where the kernel side cannot filter, all of them.
  virtual Result<bool> scan_for(const SocketFilter& /*filter*/, SocketList& into) const { return scan(into); }
  /// A socket that was known to have its name, as it is now, if it has the name still, and its owner has it
  /// open as it had then. nullopt also where that cannot be told. Cost: none that grows with the node.
  virtual std::optional<OpenSocket> still_held(const OpenSocket& /*known*/) const { return std::nullopt; }
};

}  // namespace sockward
