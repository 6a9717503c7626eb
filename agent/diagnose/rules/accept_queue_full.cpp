// EAGAIN of connect on AF_UNIX: the server's accept queue is full and the caller does not wait, or has waited
// as long as its SO_SNDTIMEO says (net/unix/af_unix.c, unix_stream_connect). No other failure of that call is
// EAGAIN.
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {
namespace {

const Holding* servers_of(const Facts& facts) {
  if (facts.is_abstract()) return &facts.holding();
  const auto& file = facts.socket_file();
  return file ? &file->holding : nullptr;
}

}  // namespace

std::optional<Finding> accept_queue_full(const Facts& facts) {
  if (!facts.is(Syscall::connect, EAGAIN) || (!facts.is_unix_path() && !facts.is_abstract()))
    return std::nullopt;
  if (facts.socket()->type == SOCK_DGRAM) return std::nullopt;
  Finding found{.cause = Cause::accept_queue_full,
                .evidence = {{"the server's accept queue was full (EAGAIN from connect on AF_UNIX)"}}};
  found.advice =
      "the server accepts too slowly or not at all: find out what it is doing; a larger backlog (listen(), "
      "net.core.somaxconn) only absorbs bursts";
  const Holding* servers = servers_of(facts);
  if (servers == nullptr) return found;
  if (servers->open.empty()) {
    if (!servers->binder) return found;
    describe_holding(facts, *servers, found);
    if (facts.is_unix_path())
      found.evidence.emplace_back("the path leads to the file of its socket", facts.socket_file()->is);
    return found;
  }
  const OpenSocket& server = servers->open.front();
  if (!serves(server)) return found;
  Standing who = servers->socket && servers->process;
  if (facts.is_unix_path()) who = who && facts.socket_file()->is;
  found.evidence.emplace_back(owner_text(server.owner) + " listens there (scan of open sockets)", who);
  found.holder = to_holder(server.owner);
  found.note(fmt::format("its backlog is {}; {} connections wait now", server.backlog, server.queue));
  return found;
}

}  // namespace sockward::rules
