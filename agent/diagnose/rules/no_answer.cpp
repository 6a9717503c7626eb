// ETIMEDOUT: no answer came to any SYN.
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {

std::optional<Finding> no_answer(const Facts& facts) {
  if (!facts.is(Syscall::connect, ETIMEDOUT) || !facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  Finding found{
      .cause = Cause::no_answer,
      .evidence = {{fmt::format("no answer came from {} (ETIMEDOUT)", call.address.ip_text())}},
      .alternative = "where the packets were dropped cannot be seen from here",
      .advice =
          "look for a packet filter that drops (nft list ruleset; security groups), a host that is down, or "
          "a wrong address"};
  const auto listener = listener_for(facts, call);
  if (listener && is_local_destination(facts, call).value_or(false) && listener->queue > listener->backlog) {
    found.holder = to_holder(listener->owner);
    found.note(fmt::format("{} listens there, and its accept queue is full now: {} wait, its backlog is {}",
                           owner_text(listener->owner), listener->queue, listener->backlog));
    found.advice =
        "the server does not accept: find out what it is doing; a larger backlog (listen(), "
        "net.core.somaxconn) only delays the problem";
  }
  return found;
}

}  // namespace sockward::rules
