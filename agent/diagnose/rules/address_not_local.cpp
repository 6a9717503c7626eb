// An address that this network namespace does not have, or cannot use: EADDRNOTAVAIL of bind
// (net/ipv4/af_inet.c,
// __inet_bind), and of connect to an IPv6 address where IPv6 is switched off.
//
// For IPv4 the error itself is the proof. An IPv6 address may be there and not be ready (address_not_ready),
// and IPv6 may be off: that is looked up after the call.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

/// The interface that would have the address if IPv6 were on; nullptr: IPv6 is on everywhere it matters.
const NetworkInterface* without_ipv6(const Facts& facts) {
  const SocketAddress& address = facts.socket()->address;
  if (address.kind != AddressKind::inet6 || unmapped(address).kind == AddressKind::inet ||
      !facts.interfaces())
    return nullptr;
  const auto& all = *facts.interfaces();
  const bool loopback = is_loopback(address);
  const auto off = std::find_if(all.begin(), all.end(), [&](const NetworkInterface& one) {
    return one.ipv6_disabled && (loopback ? one.loopback : true);
  });
  const bool any_on = std::any_of(all.begin(), all.end(), [&](const NetworkInterface& one) {
    return !one.ipv6_disabled && (loopback ? one.loopback : !one.loopback);
  });
  return off != all.end() && !any_on ? &*off : nullptr;
}

Finding ipv6_is_off(const Facts& facts, const std::string& name, Standing standing) {
  return {.cause = Cause::address_not_local,
          .evidence = {{fmt::format(
                            "IPv6 is disabled on {} (net.ipv6.conf.{}.disable_ipv6 is 1), so {} cannot be "
                            "used; no port was looked for",
                            name, name, facts.socket()->address.ip_text()),
                        std::move(standing)}},
          .alternative = {},
          .advice = fmt::format(
              "use the IPv4 address, or enable IPv6: sysctl net.ipv6.conf.{}.disable_ipv6=0", name)};
}

std::string where_it_was_looked_for(const SocketCall& call) {
  const std::uint32_t device = call.bound_device != 0 ? call.bound_device : call.address.scope;
  if (is_link_local(call.address) && device != 0)
    return fmt::format("interface {} of network namespace {} has no {} that can be used", device,
                       call.socket_netns, call.address.ip_text());
  return fmt::format("the kernel found {} on no usable interface of network namespace {}",
                     call.address.ip_text(), call.socket_netns);
}

void add_loopback_state(const Facts& facts, Finding& found) {
  if (!is_loopback(facts.socket()->address) || !facts.interfaces()) return;
  for (const NetworkInterface& interface : *facts.interfaces())
    if (interface.loopback && !interface.up) {
      found.note(fmt::format("{} is down in this network namespace", printable(interface.name).text));
      found.advice = fmt::format("ip link set {} up", printable(interface.name).text);
    }
}

}  // namespace

std::optional<Finding> address_not_local(const Facts& facts) {
  const bool bind = facts.is(Syscall::bind, EADDRNOTAVAIL);
  if (!facts.is_inet() || (!bind && !facts.is(Syscall::connect, EADDRNOTAVAIL))) return std::nullopt;
  using State = SocketCall::AddressState;
  const SocketCall& call = *facts.socket();
  if (call.address_state == State::family_off) return ipv6_is_off(facts, "lo", Standing::at_call());
  if (call.address_state == State::unknown)
    if (const NetworkInterface* off = without_ipv6(facts))
      return ipv6_is_off(facts, printable(off->name).text, Standing::later("looked up after the call"));
  if (!bind || call.address_state == State::tentative || call.address_state == State::duplicate)
    return std::nullopt;
  const bool four = unmapped(call.address).kind == AddressKind::inet;
  Finding found{
      .cause = Cause::address_not_local,
      .evidence = {{where_it_was_looked_for(call)}},
      .alternative = four || facts.asked_now() || call.address_state == State::absent
                         ? ""
                         : "an IPv6 address that has not passed duplicate address detection looks the same",
      .advice =
          "check the address with `ip addr`; if it comes up later, start the program after it (systemd: "
          "network-online.target) or set IP_FREEBIND or net.ipv4.ip_nonlocal_bind"};
  add_loopback_state(facts, found);
  return found;
}

}  // namespace sockward::rules
