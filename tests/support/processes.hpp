// Programs that are started with a socket path that does not fit, and that end.
#pragma once
#include "support/fixtures.hpp"

namespace sockward::test {

inline const std::string kLong = "/run/" + std::string(110, 'n') + "/ctl.sock";

inline LongArgument argument(const std::string& text, const std::string& before = "") {
  return {.index = 2, .text = text, .before = before};
}

/// 10 ms before the calls of an_event(), by the same process.
inline Event started_with(const std::string& text) {
  Event event = an_event(Syscall::execve, 0);
  event.time = {990'000'000};
  event.call = argument(text);
  return event;
}

/// `status`: as wait(2) has it.
inline Event ended(int status) {
  Event event = an_event(Syscall::execve, 0);
  event.call = ProcessExit{.status = status, .had_argument = true};
  return event;
}

}  // namespace sockward::test
