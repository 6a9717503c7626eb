#pragma once
#include <optional>
#include <string>
#include <vector>

#include "enrich/host_view.hpp"
#include "event/event.hpp"

namespace sockward {

/// What the kernel would answer to a call that was not made.
struct Foresight {
  std::optional<int> error;          ///< 0: it would work; nullopt: this host alone cannot tell
  std::vector<std::string> because;  ///< what was looked at; printable
};

/// Replays bind or connect from what the host view says now, in the kernel's own order of checks
/// (net/unix/af_unix.c, unix_bind_bsd and unix_find_bsd; net/ipv4/af_inet.c, __inet_bind). `attempt` is the
/// call with its caller; its result is not looked at. Pure: makes no call, takes no name.
Foresight foresee(const Event& attempt, const HostView& host);

}  // namespace sockward
