// No answer came to any SYN: the kernel gave up (ETIMEDOUT), or the program did and closed the socket.
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {
namespace {

std::string no_answer_text(const Facts& facts, const SocketCall& call) {
  const std::string peer = call.address.ip_text(), when = end_text(call);
  if (facts.event.given_up())
    return fmt::format("no answer came from {}: the program closed the socket {}", peer, when);
  return fmt::format("no answer came from {} (ETIMEDOUT){}{}", peer,
                     when.empty() ? "" : ": the kernel gave up ", when);
}

}  // namespace

std::optional<Finding> no_answer(const Facts& facts) {
  if (!facts.is(Syscall::connect, ETIMEDOUT) && !facts.event.given_up()) return std::nullopt;
  if (!facts.is_inet()) return std::nullopt;
  const SocketCall& call = *facts.socket();
  Finding found{
      .cause = Cause::no_answer,
      .evidence = {{no_answer_text(facts, call)}},
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
