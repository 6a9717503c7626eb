#pragma once
#include <vector>

#include "base/result.hpp"
#include "kernel/bound_sockets.hpp"

namespace sockward {

/// All bound sockets of a network namespace, whoever has them open: TCP, UDP and AF_UNIX, from the kernel's
/// sock_diag(7). Their owners are empty but for the socket's inode; a socket that no process has open is here
/// too. `netns`: an open /proc/pid/ns/net, and its inode. Asking loads the modules unix_diag, inet_diag,
/// tcp_diag and udp_diag where they are modules. Error: one of the four could not be asked.
Result<std::vector<OpenSocket>> list_bound_sockets(int netns, NamespaceInode inode);

}  // namespace sockward
