#pragma once
#include <optional>
#include <string>
#include <vector>

#include "diagnose/holding.hpp"

namespace sockward {

class Facts;

/// Does this socket take connections or datagrams?
bool serves(const OpenSocket& socket);
/// Listeners of the socket's network namespace that have the port of the call on another address.
std::vector<OpenSocket> listeners_elsewhere(const Facts& facts, const SocketCall& call);
/// A listener that would have taken the connection of this call.
std::optional<OpenSocket> listener_for(const Facts& facts, const SocketCall& call);
/// Is the destination of a connect an address of the caller's own network namespace? nullopt: cannot be told.
std::optional<bool> is_local_destination(const Facts& facts, const SocketCall& call);
/// Was a TCP connect refused by an ICMP message? TCP itself answers with a reset: only a packet filter or a
/// router refuses so (net/ipv4/tcp_ipv4.c, tcp_v4_err). false also when that is not known.
bool refused_by_icmp(const Facts& facts);
/// "2.0 s after the first SYN; 2 SYNs were sent". Empty: not known.
std::string end_text(const SocketCall& call);
/// Was this socket seen to be bound after the call? Then it had no part in it.
bool bound_after_call(const Facts& facts, const OpenSocket& socket);
/// The same socket with the process that bound it, when that one still has it open: it is named before those
/// who have inherited the socket.
OpenSocket with_its_binder(const Facts& facts, const OpenSocket& socket);
/// "127.0.0.1:80", printable.
std::string name_text(const OpenSocket& socket);

}  // namespace sockward
