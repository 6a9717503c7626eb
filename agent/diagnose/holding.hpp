#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/rule.hpp"

namespace sockward {

/// Who holds a name that a call could not have.
struct Holding {
  std::vector<OpenSocket> open;       ///< sockets that hold it, as the latest walk found them
  std::optional<SocketOwner> binder;  ///< the last one who bound the very name, before the call
  bool only_binder = true;            ///< no other binder is known that could have been in the way
  bool proven = false;                ///< the first of `open` is known to have held it before the call
  bool kernel = false;                ///< a socket has it that no process has open
  std::string obstacle;               ///< why the walk could not be made; empty: it was

  bool empty() const { return open.empty() && !binder && !kernel; }
};

/// Looks for holders of `name` (asked of the name table) among all sockets that `holds` accepts.
Holding find_holding(const Observation& seen, const BoundName& name,
                     const std::function<bool(const OpenSocket&)>& holds);

/// The name that a failed inet or abstract call was about.
BoundName name_of_call(const SocketCall& call);
/// Would this inet socket keep the call from binding its own? Wildcards, IPv4-mapped addresses, IPV6_V6ONLY
/// and SO_BINDTODEVICE count; so do SO_REUSEPORT where both have set it and belong to one user, and
/// SO_REUSEADDR where both have set it and the other one does not listen
/// (net/ipv4/inet_connection_sock.c, inet_bind_conflict; net/ipv4/udp.c, udp_lib_lport_inuse).
bool conflicts(const OpenSocket& held, const SocketCall& wanted, std::uint32_t caller_uid);

/// "nginx[42] (uid 33)"
std::string owner_text(const SocketOwner& owner);
Holder to_holder(const SocketOwner& owner, Holder::Kind kind = Holder::Kind::process);

/// Fills holder, evidence and confidence from what was found: the same for every kind of address.
void describe_holding(const Observation& seen, const Holding& holding, Diagnosis& found);

}  // namespace sockward
