// No process has the port: a closed connection keeps it (TIME_WAIT for 60 s, or a closing state of an
// orphan). Never certain: a listener that lived until just after the call leaves the same picture.
#include <fmt/format.h>

#include <netinet/in.h>

#include <cerrno>

#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> address_in_time_wait(const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (!facts.is(Syscall::bind, EADDRINUSE) || !facts.is_inet() || call->address.port == 0 ||
      port_protocol(call->protocol) != IPPROTO_TCP)
    return std::nullopt;
  if (!facts.holding().open.empty() || call->socket_netns != facts.event.actor.netns || !facts.port_uses())
    return std::nullopt;
  std::vector<PortUse> orphans = *facts.port_uses();
  std::erase_if(orphans, [](const PortUse& use) { return use.state == PortUse::State::bound; });
  if (orphans.empty()) return std::nullopt;
  const PortUse& first = orphans.front();
  const bool one = orphans.size() == 1, looked = facts.holding().obstacle.empty();
  Finding found{
      .cause = Cause::address_in_time_wait,
      .evidence = {{fmt::format("{}{} connection{} on the port {} in {} (/proc/net/tcp)",
                                looked ? "no process has the port open; " : "", orphans.size(),
                                one ? "" : "s", one ? "is" : "are",
                                first.state == PortUse::State::time_wait ? "TIME_WAIT" : "a closing state"),
                    Standing::later("looked up after the call")}},
      .alternative = "a listener that ended right after the call leaves the same connections"};
  if (!facts.holding().obstacle.empty()) found.note("holders are not visible: " + facts.holding().obstacle);
  if (first.age.count() > 0)
    found.note(fmt::format("the first of them for {:.1f} s", static_cast<double>(first.age.count()) / 1000));
  found.advice =
      call->reuseaddr
          ? "this socket has SO_REUSEADDR; set it before bind on the old server's sockets too, or wait a "
            "minute"
          : "set SO_REUSEADDR before bind, on the old server's socket and on the new one's; or wait a minute";
  return found;
}

}  // namespace sockward::rules
