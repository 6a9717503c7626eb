#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "enrich/host_view.hpp"

namespace sockward {

/// Adds the connections on a local port that have no socket inode (TIME_WAIT, orphans in a closing state)
/// from the text of /proc/pid/net/tcp or tcp6 (net/ipv4/tcp_ipv4.c, tcp4_seq_show). Lines it does not
/// understand are left out.
void add_orphans(std::string_view table, std::uint16_t port, std::vector<OrphanedConnection>& found);

}  // namespace sockward
