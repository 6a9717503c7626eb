#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/finding.hpp"
#include "host/sockets/socket_view.hpp"

namespace sockward {

class Facts;

/// A scan of open sockets that serves as the present state after the call.
struct ScanFact {
  std::shared_ptr<const SocketScan> scan;  ///< null: there is none
  bool after_call = false;                 ///< it began after the call; otherwise it may have missed a holder
  std::string obstacle;                    ///< why there is none after the call; empty: there is
  bool skipped = false;                    ///< because scans had cost enough
};

/// Who holds a name that a call could not have.
struct Holding {
  /// Sockets that hold it, found by a scan after the call. The first one is the one to name: proven before
  /// likely, the process that bound it before others.
  std::vector<OpenSocket> open;
  std::optional<SocketOwner> binder;  ///< the last one who bound the very name, before the call
  bool only_binder = true;            ///< no other binder is known that could have been in the way
  /// The binder's socket still exists, though no process has it open: in flight between two processes, or
  /// held by io_uring.
  bool alive_unseen = false;
  const SeenHolder* seen = nullptr;  ///< the kernel side saw that the binder's socket held the name
  bool looked_at = false;  ///< the binder's own socket was looked at, and no scan made: others may share it
  bool kernel = false;     ///< a socket has it that no process has open (/proc/net)
  std::optional<SocketOwner> bound_since;  ///< who bound it after the call, and so was not in its way
  Standing socket;       ///< the first of `open` (else: the binder's socket) held the name at the call
  Standing process;      ///< the process that is named had it open then
  std::string obstacle;  ///< why holders may be missing; empty: none is

  bool empty() const { return open.empty() && !binder && !kernel; }
};

using SocketTest = std::function<bool(const OpenSocket&)>;

/// Looks for holders of `name` (asked of the name table) among all sockets that `holds` accepts.
Holding find_holding(const Facts& facts, const BoundName& name, const SocketTest& holds);
/// The holders of the internet address, abstract name or netlink port id of a call.
Holding holding_of_call(const Facts& facts, const SocketCall& call);
/// Sockets that rules may ask for about this event.
SocketFilter sockets_of_interest(const Event& event);
/// The scan to look into: one that began after the call where one can be had.
ScanFact scan_after_call(const Facts& facts, const SocketView& sockets);

/// The name that a call on an internet address, an abstract name or a netlink port id was about.
BoundName name_of_call(const SocketCall& call);
/// MPTCP sockets hold TCP ports (net/mptcp/protocol.c).
std::uint16_t port_protocol(std::uint16_t protocol);
/// Would this inet socket keep the call from binding its own? Wildcards, IPv4-mapped addresses, IPV6_V6ONLY
/// and SO_BINDTODEVICE count; so do SO_REUSEPORT where both have set it and one user made both sockets, and
/// SO_REUSEADDR where both have set it and the other one does not listen
/// (net/ipv4/inet_connection_sock.c, inet_bind_conflict; net/ipv4/udp.c, udp_lib_lport_inuse).
bool conflicts(const OpenSocket& held, const SocketCall& wanted);
/// Do packets to `address` reach a socket bound to `bound`? Wildcards, IPv4-mapped addresses, IPV6_V6ONLY.
bool covers(const OpenSocket& bound, const SocketAddress& address);
bool is_unspecified(const SocketAddress& address);
bool is_limited_broadcast(const SocketAddress& address);
/// 127.0.0.0/8 and ::1, also as an IPv4-mapped address.
bool is_loopback(const SocketAddress& address);
/// fe80::/10: means nothing without an interface.
bool is_link_local(const SocketAddress& address);
/// Is it bound to a port that net.ipv4.ip_unprivileged_port_start reserves?
bool needs_port_privilege(const SocketCall& call);
/// An IPv4-mapped IPv6 address as the IPv4 address it is; others as they are.
SocketAddress unmapped(SocketAddress address);

/// "nginx[42] (uid 33)"
std::string owner_text(const SocketOwner& owner);
Holder to_holder(const SocketOwner& owner, Holder::Kind kind = Holder::Kind::process);
const char* state_text(OpenSocket::State state);

/// Fills holder and evidence from what was found: the same for every kind of address.
void describe_holding(const Facts& facts, const Holding& holding, Finding& found);
/// "stop pid 42 …": never against what is known of the two.
std::string holder_advice(const Facts& facts, const Holder& holder);

}  // namespace sockward
