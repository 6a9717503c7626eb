// Refused by this host, while a socket of the same network namespace listens on the port at another address
// or family: the server is bound to loopback only, or to ::1, or to one interface.
#include <fmt/format.h>

#include <netinet/in.h>

#include <cerrno>

#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {

std::optional<Finding> listens_on_other_address(const Facts& facts) {
  if (!facts.is(Syscall::connect, ECONNREFUSED) || !facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  if (!is_local_destination(facts, call).value_or(false) || refused_by_icmp(facts) ||
      listener_for(facts, call))
    return std::nullopt;
  const auto others = listeners_elsewhere(facts, call);
  if (others.empty()) return std::nullopt;
  const OpenSocket first = with_its_binder(facts, others.front());
  const auto wanted = address_text(call.address);
  Finding found{.cause = Cause::listens_on_other_address,
                .evidence = {{fmt::format("{} listens on {}, not on {}", owner_text(first.owner),
                                          name_text(first), wanted ? wanted->text : "?"),
                              Standing::later("looked up after the call")}},
                .alternative = "a packet filter may refuse connections in the same way"};
  found.holder = to_holder(first.owner);
  const bool families = unmapped(first.name.address).kind != unmapped(call.address).kind;
  found.advice =
      fmt::format("let the client connect to {}, or let the server listen on {}", name_text(first),
                  families ? "both IPv4 and IPv6 (:: without IPV6_V6ONLY)" : "that address or on all");
  return found;
}

}  // namespace sockward::rules
