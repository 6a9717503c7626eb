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
  bool proven = false;                ///< the first of `open` is known to have held it before the call
  std::string obstacle;               ///< why the walk could not be made; empty: it was

  bool empty() const { return open.empty() && !binder; }
};

/// Looks for holders of `name` (asked of the name table) among all sockets that `holds` accepts.
Holding find_holding(const Observation& seen, const BoundName& name,
                     const std::function<bool(const OpenSocket&)>& holds);

/// The name that a failed inet or abstract call was about.
BoundName name_of_call(const SocketCall& call);
/// Would a socket with this inet name keep the call from binding its own? Wildcards and IPv4-mapped addresses
/// count; SO_REUSEADDR and SO_REUSEPORT do not: the kernel has refused already.
bool conflicts(const BoundName& held, const BoundName& wanted);

/// "nginx[42] (uid 33)"
std::string owner_text(const SocketOwner& owner);
Holder to_holder(const SocketOwner& owner, Holder::Kind kind = Holder::Kind::process);

/// Fills holder, evidence and confidence from what was found: the same for every kind of address.
void describe_holding(const Observation& seen, const Holding& holding, Diagnosis& found);

}  // namespace sockward
