// ENETUNREACH and EHOSTUNREACH of connect: no route, an interface that is down, a neighbour that does not
// answer, or an ICMP answer though there is a route (a packet filter, a router).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"
#include "record/record.hpp"

namespace sockward::rules {
namespace {

Evidence looked_up(std::string text) {
  return {std::move(text), Standing::later("looked up after the call")};
}

void add_route(const Facts& facts, const SocketCall& call, Finding& found) {
  const auto& route = facts.route();
  const std::string to = call.address.ip_text();
  if (!route) {
    found.alternative =
        "the reason is not visible: the routing table could not be queried: " + route.error().text();
    return;
  }
  if (route->error != 0) {
    found.evidence.push_back(looked_up(fmt::format("the routing table has no usable route to {} ({})", to,
                                                   errno_name(route->error).value_or("an error"))));
    found.advice = fmt::format("ip route get {}; add the route, or bring up the interface that has it", to);
    return;
  }
  const std::string interface = printable(route->interface_name).text;
  const auto gateway = route->gateway.is_inet() ? route->gateway.ip_text() : "";
  if (route->neighbour == Route::Neighbour::failed) {
    found.evidence.push_back(
        looked_up(fmt::format("{} does not answer on {} (neighbour table: FAILED)",
                              gateway.empty() ? to : "the gateway " + gateway, interface)));
    found.advice = fmt::format("is that host up, and on this link? ip neigh show dev {}", interface);
    return;
  }
  found.evidence.push_back(looked_up(
      fmt::format("there is a route to {}{}: a router or a packet filter reported it unreachable (ICMP)", to,
                  interface.empty() ? "" : " via " + interface)));
  found.advice = "look at the packet filters on this host (nft list ruleset) and on the way";
}

void add_interfaces_down(const Facts& facts, Finding& found) {
  if (!facts.interfaces()) return;
  for (const NetworkInterface& one : *facts.interfaces())
    if (!one.up && (one.loopback || !one.addresses.empty()))
      found.note(printable(one.name).text + " is down");
}

}  // namespace

std::optional<Finding> unreachable(const Facts& facts) {
  const int error = facts.event.error();
  if (facts.event.syscall != Syscall::connect || !facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  const bool ended_so = call.end && call.end->outcome == ConnectOutcome::unreachable;
  if (error != ENETUNREACH && error != EHOSTUNREACH && !ended_so) return std::nullopt;
  Finding found{.cause = Cause::unreachable,
                .evidence = {{fmt::format("{} cannot be reached ({})", call.address.ip_text(),
                                          error_label(facts.event))}}};
  if (ended_so) found.note("this was known " + end_text(call));
  add_route(facts, call, found);
  add_interfaces_down(facts, found);
  return found;
}

}  // namespace sockward::rules
