#pragma once
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "event/namespace_inode.hpp"

struct sockward_binder;

namespace sockward {

/// Who bound a name, or has a socket open.
struct OwnerProcess {
  std::uint64_t leader_start_ns = 0, container_key = 0;
  std::uint32_t tgid = 0, uid = 0;
  NamespaceInode pidns = 0, mntns = 0;
  std::string comm = {};  ///< raw bytes

  bool operator==(const OwnerProcess&) const = default;
};

/// What is set on a socket, and decides whether it shares its name.
struct SocketTraits {
  std::uint32_t socket_uid = 0;    ///< who made the socket (sk_uid): what SO_REUSEPORT goes by
  std::uint32_t bound_device = 0;  ///< interface that the socket is bound to; 0: none
  bool v6only = false;             ///< an IPv6 socket that takes no IPv4
  bool reuseport = false;          ///< SO_REUSEPORT is set
  bool reuseaddr = false;          ///< SO_REUSEADDR is set

  bool operator==(const SocketTraits&) const = default;
};

/// When a socket had its name. A scan of open sockets does not know it: all of it is 0 then.
struct Binding {
  MonotonicTime time = {};             ///< when it bound
  MonotonicTime released = {};         ///< when the socket was released; 0: not, or not seen
  MonotonicTime listening_since = {};  ///< when listen() was seen; 0: not seen
  bool listened = false;               ///< it was listening when it was released
  bool found_gone = false;             ///< `released` is when the socket was found to be gone: at the latest

  bool operator==(const Binding&) const = default;
  /// Is the socket known to have been bound, and not yet released, at this time?
  bool had_it_at(MonotonicTime moment) const {
    return time.ns != 0 && time < moment && released.ns != 0 && moment < released;
  }
  bool released_before(MonotonicTime moment) const { return released.ns != 0 && released < moment; }
};

/// A process that bound a name, or has a socket open, and that socket.
struct SocketOwner {
  OwnerProcess process = {};
  /// Of the socket itself: a bind made earlier by another process has the same.
  std::uint64_t socket_inode = 0;
  std::uint32_t generation = 0;  ///< of a socket file's inode; 0: not known
  std::uint64_t sock = 0;        ///< where the kernel keeps the socket; 0: not known
  std::int32_t fd = -1;          ///< of a binder: the descriptor that was bound; negative: not known
  SocketTraits traits = {};
  Binding binding = {};

  bool operator==(const SocketOwner&) const = default;
};

/// Who holds the name that a bind could not have, as the kernel side saw it when the call returned: the
/// socket was bound before, and still had the name.
struct SeenHolder {
  SocketOwner binder;     ///< the process that bound it, and that socket
  bool has_open = false;  ///< that process had it open then; otherwise another one may have

  bool operator==(const SeenHolder&) const = default;
};

/// From the record or the name table, as it lies there.
SocketOwner to_socket_owner(const sockward_binder& binder);

}  // namespace sockward
