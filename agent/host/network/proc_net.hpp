#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "host/network/network_view.hpp"

namespace sockward {

/// Adds the uses of a local port from the text of /proc/pid/net/tcp, tcp6, udp or udp6 (net/ipv4/tcp_ipv4.c,
/// tcp4_seq_show): connections without a socket inode, and sockets that listen or are bound. Lines it does
/// not understand are left out.
void add_port_uses(std::string_view table, std::uint16_t port, std::vector<PortUse>& found);
/// Has a line of /proc/pid/net/unix (net/unix/af_unix.c, unix_seq_show) a path whose last component is
/// `name`? That file writes names as they are: of a name with a newline, the part behind the last one
/// decides.
bool lists_socket_named(std::string_view table, std::string_view name);

/// The connection with these four numbers in the text of /proc/pid/net/tcp or tcp6. IPv4 addresses and their
/// IPv4-mapped form (::ffff:a.b.c.d) are the same. nullopt: it is not there.
std::optional<KnownConnection> find_connection(std::string_view table, const SocketAddress& local,
                                               const SocketAddress& remote);

}  // namespace sockward
