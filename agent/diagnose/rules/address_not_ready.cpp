// An interface has the IPv6 address, but it cannot be used yet: duplicate address detection is still running
// (a second after the address was added), or has found another host with it (net/ipv6/addrconf.c; banned
// flags of ipv6_chk_addr).
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

Finding duplicate(const std::string& address, const std::string& interface, Standing standing) {
  return {
      .cause = Cause::address_not_ready,
      .evidence = {{fmt::format("{} has {}, but duplicate address detection failed (dadfailed): another host "
                                "on the link uses it",
                                interface, address),
                    std::move(standing)}},
      .alternative = {},
      .advice =
          "find the other host (ip -6 neigh, or the switch), then give one of the two another address; "
          "`ip -6 addr` shows the flag"};
}

Finding tentative(const std::string& address, const std::string& interface, Standing standing) {
  return {
      .cause = Cause::address_not_ready,
      .evidence = {{fmt::format("{} has {}, but duplicate address detection has not finished (tentative)",
                                interface, address),
                    std::move(standing)}},
      .alternative = {},
      .advice =
          "start the program a second or two later (systemd: network-online.target), add the address with "
          "`nodad`, or set IP_FREEBIND; `ip -6 addr` shows the flag"};
}

}  // namespace

std::optional<Finding> address_not_ready(const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (call == nullptr || !facts.is_inet() || facts.event.error() != EADDRNOTAVAIL) return std::nullopt;
  const bool bind = facts.event.syscall == Syscall::bind;
  const SocketAddress& wanted = bind ? call->address : call->source;
  if (wanted.kind != AddressKind::inet6) return std::nullopt;
  if (bind) {
    using State = SocketCall::AddressState;
    const State state = call->address_state;
    // Several interfaces can have the same link-local address, and only that of the one named counts.
    const Standing standing = is_link_local(wanted)
                                  ? Standing::later("it may be another interface than the one named")
                                  : Standing::at_call();
    if (state == State::tentative) return tentative(wanted.ip_text(), "an interface", standing);
    if (state == State::duplicate) return duplicate(wanted.ip_text(), "an interface", standing);
    if (state != State::unknown) return std::nullopt;
  }
  if (!facts.interfaces()) return std::nullopt;
  const std::uint32_t device = call->bound_device != 0 ? call->bound_device : wanted.scope;
  for (const NetworkInterface& interface : *facts.interfaces()) {
    // Several interfaces may have the same link-local address.
    if (is_link_local(wanted) && interface.index != device) continue;
    for (const InterfaceAddress& one : interface.addresses) {
      if (one.address.kind != wanted.kind || one.address.ip != wanted.ip) continue;
      const std::string name = printable(interface.name).text;
      if (one.duplicate)
        return duplicate(wanted.ip_text(), name, Standing::later("looked up after the call"));
      if (one.tentative)
        return tentative(wanted.ip_text(), name, Standing::later("looked up after the call"));
    }
  }
  return std::nullopt;
}

}  // namespace sockward::rules
