// EAGAIN of connect on AF_UNIX: the server's accept queue is full and the caller does not wait, or has waited
// as long as its SO_SNDTIMEO says (net/unix/af_unix.c, unix_stream_connect). No other failure of that call is
// EAGAIN.
//
// EAGAIN of a send: the receiver's queue of datagrams is full, or what the sender may have under way, which
// is asked first (unix_dgram_sendmsg, sock_alloc_send_pskb). In both cases something is not read.
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

Finding of_connect() {
  return {.cause = Cause::accept_queue_full,
          .evidence = {{"the server's accept queue was full (EAGAIN from connect on AF_UNIX)"}},
          .alternative = {},
          .advice =
              "the server accepts too slowly or not at all: find out what it is doing; a larger backlog "
              "(listen(), net.core.somaxconn) only absorbs bursts"};
}

Finding of_send(const SocketCall& call) {
  Finding found{.cause = Cause::accept_queue_full};
  if (call.peer_queue_full) {
    found.evidence.emplace_back("the queue of the receiver was full at the call (EAGAIN of a send)");
  } else if (call.send_buffer_full) {
    found.evidence.emplace_back(
        "the datagrams that this socket has sent fill its buffer (SO_SNDBUF) and wait to be read (EAGAIN of "
        "a send)");
    found.alternative = "the buffer counts what was sent to any receiver, not to this one alone";
  } else {
    found.evidence.emplace_back("there was no room for one more datagram (EAGAIN of a send)");
    found.alternative = "the receiver's queue, or for a moment the sender's own buffer";
  }
  found.advice =
      "the receiver reads too slowly or not at all: find out what it is doing; a longer queue "
      "(net.unix.max_dgram_qlen, before its socket is made) or SO_SNDBUF only absorbs bursts";
  return found;
}

std::string queue_text(const OpenSocket& server, bool send) {
  return send ? fmt::format("its queue takes {} datagrams; {} wait now", server.backlog + 1, server.queue)
              : fmt::format("its backlog is {}; {} connections wait now", server.backlog, server.queue);
}

}  // namespace

std::optional<Finding> accept_queue_full(const Facts& facts) {
  if (!facts.reaches(EAGAIN) || (!facts.is_unix_path() && !facts.is_abstract())) return std::nullopt;
  const bool send = sends(facts.event.syscall);
  if (send != (facts.socket()->type == SOCK_DGRAM)) return std::nullopt;
  Finding found = send ? of_send(*facts.socket()) : of_connect();
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
  found.evidence.emplace_back(fmt::format("{} {} there (scan of open sockets)", owner_text(server.owner),
                                          send ? "receives" : "listens"),
                              who);
  found.holder = to_holder(server.owner);
  found.note(queue_text(server, send));
  return found;
}

}  // namespace sockward::rules
