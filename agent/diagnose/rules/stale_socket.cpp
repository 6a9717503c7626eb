// A socket file without a socket: whoever bound it has gone and left the file behind.
//
// Certain only when it was dead before the call: its socket was seen to be gone, or a scan that had ended by
// then found no process that had it open. The agent makes one when it starts and whenever a process that
// bound a socket file has ended. A holder that dies right after the failing call leaves the same picture, so
// anything else is likely.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> stale_socket(const Facts& facts) {
  const bool bind = facts.is(Syscall::bind, EADDRINUSE);
  if (!bind && (!facts.reaches(ECONNREFUSED) || facts.to_peer())) return std::nullopt;
  const auto& file = facts.socket_file();
  if (!is_stale(file) || (bind && ended_after_call(facts, *file))) return std::nullopt;
  if (bind && refused_removal(facts, *file)) return std::nullopt;  // stale_socket_unremovable
  Finding found{.cause = Cause::stale_socket};
  describe_stale(facts, *file, found);
  found.advice = bind
                     ? "remove the file, then start the program again; better: let it remove its own old "
                       "socket, or use a directory that is emptied at each start (systemd: RuntimeDirectory=)"
                     : "the server is not running: start it";
  return found;
}

}  // namespace sockward::rules
