#pragma once
#include <functional>
#include <string>
#include <vector>

#include "event/event.hpp"
#include "host/host_view.hpp"

namespace sockward {

/// What the kernel would answer to a call that was not made.
struct Prediction {
  int error = 0;                     ///< 0: nothing that can be seen on this host prevents the call
  std::vector<std::string> because;  ///< what was looked at; printable
  std::vector<std::string> unknown;  ///< what was not or could not be looked at; printable
  /// What the record of such a failure would say of an IPv6 address.
  SocketCall::AddressState address_state = SocketCall::AddressState::unknown;
};

/// What a prediction needs besides the host view.
struct Surroundings {
  /// net.ipv4.ip_nonlocal_bind and net.ipv6.ip_nonlocal_bind of the call's network namespace.
  bool nonlocal_bind = false, nonlocal_bind6 = false;
  /// Bound sockets that no process has open (the kernel's own, in flight, held by io_uring). Asked after the
  /// scan of open sockets. Empty: not known.
  std::function<std::vector<OpenSocket>()> unowned = {};
};

/// Replays bind or connect of a socket without options from what the host says now, with the facts that rules
/// use, in the kernel's own order of checks (net/unix/af_unix.c, unix_bind_bsd and unix_find_bsd;
/// net/ipv4/af_inet.c, __inet_bind; net/ipv6/af_inet6.c, __inet6_bind; tcp_v4_connect, tcp_v6_connect and
/// their like for UDP). `attempt` is the call with its caller; its result is ignored. Pure: makes no call,
/// takes no name.
Prediction predict(const Event& attempt, const HostView& host, const Surroundings& around = {});

}  // namespace sockward
