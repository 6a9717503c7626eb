#include "event/socket_owner.hpp"

#include <sockward/event.h>

#include <cstring>

namespace sockward {

SocketOwner to_socket_owner(const sockward_binder& binder) {
  return {.process = {.leader_start_ns = binder.leader_start_ns,
                      .container_key = binder.container_key,
                      .tgid = binder.tgid,
                      .uid = binder.uid,
                      .pidns = binder.pidns,
                      .mntns = binder.mntns,
                      .comm = std::string(binder.comm, strnlen(binder.comm, sizeof(binder.comm)))},
          .socket_inode = binder.socket_inode,
          .generation = binder.generation,
          .sock = binder.sock,
          .fd = binder.fd,
          .traits = {.socket_uid = binder.socket_uid,
                     .bound_device = binder.bound_device,
                     .v6only = (binder.sharing & SOCKWARD_V6ONLY) != 0,
                     .reuseport = (binder.sharing & SOCKWARD_REUSEPORT) != 0,
                     .reuseaddr = (binder.sharing & SOCKWARD_REUSEADDR) != 0},
          .binding = {.time = {binder.time_ns},
                      .released = {binder.released_ns},
                      .listening_since = {binder.listening_ns},
                      .listened = (binder.sharing & SOCKWARD_LISTENED) != 0,
                      .found_gone = (binder.sharing & SOCKWARD_FOUND_GONE) != 0}};
}

}  // namespace sockward
