// Refused by another host: a reset is an answer, so the host is up and reachable.
#include <cerrno>

#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {

std::optional<Finding> refused_by_peer(const Facts& facts) {
  if (!facts.is(Syscall::connect, ECONNREFUSED) || !facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  if (is_local_destination(facts, call).value_or(true) || refused_by_icmp(facts)) return std::nullopt;
  Finding found{
      .cause = Cause::refused_by_peer,
      .evidence = {{call.address.ip_text() + " is another host: it answered, and refused",
                    Standing::later("the route was looked up after the call")}},
      .alternative = "a packet filter on the way may refuse in its name",
      .advice =
          "look at the server on that host: does it run, and on which address does it listen (ss -tln)? "
          "Then at packet filters on the way"};
  if (call.end) found.note("a reset came " + end_text(call));
  return found;
}

}  // namespace sockward::rules
