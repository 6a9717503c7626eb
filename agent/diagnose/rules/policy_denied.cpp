// Refused though modes and capabilities allow it: something above them said no. Where that layer was not seen
// to refuse (observed_refusal.cpp) this is at most likely: what stands in the way now is asked of the host.
//
// Not every EPERM is a policy: the kernel itself answers so to a datagram socket whose peer is connected to
// another one (net/unix/af_unix.c, unix_may_send), and where a file system cannot make sockets.
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/capabilities.hpp"
#include "diagnose/id_text.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {
namespace {

constexpr const char* kAlternative =
    "no layer was seen to refuse; this is what remains when modes and capabilities allow the call";

Finding denied(std::string evidence, Standing standing, std::string advice, std::string policy = "unknown") {
  Finding found{.cause = Cause::policy_denied, .alternative = kAlternative, .advice = std::move(advice)};
  found.evidence.emplace_back(std::move(evidence), std::move(standing));
  found.policy = std::move(policy);
  return found;
}

/// Asked after the call: a route may have changed since.
std::optional<Finding> of_route(const Facts& facts, const SocketCall& call) {
  if (call.socket_netns != facts.event.actor.netns) return std::nullopt;
  const auto& route = facts.route();
  if (!route || route->error == 0 || route->error != facts.event.error()) return std::nullopt;
  const std::string to = call.address.ip_text();
  return denied(
      fmt::format("the routing table answers {} for {} (rtnetlink): a prohibit route",
                  errno_name(route->error).value_or("an error"), to),
      Standing::later("looked up after the call"),
      fmt::format("see it with: ip route get {}; remove the route, or the rule that leads to it", to),
      "route");
}

std::optional<Finding> of_cgroup(const Facts& facts) {
  if (facts.event.error() != EPERM) return std::nullopt;
  const auto& programs = facts.cgroup_programs();
  if (!programs || *programs == 0) return std::nullopt;
  const bool one = *programs == 1;
  return denied(fmt::format("{} BPF program{} on the caller's cgroup decide{} about {}", *programs,
                            one ? "" : "s", one ? "s" : "", to_string(facts.event.syscall)),
                Standing::later("looked up after the call"),
                "see them with: bpftool cgroup tree; systemd: IPAddressDeny=, SocketBindDeny=", "cgroup_bpf");
}

/// The security module says so itself. Modes are asked before modules are: where they refuse, the message is
/// about another call, or about a directory further up.
std::optional<Finding> of_message(const Facts& facts) {
  const auto& refused = facts.denial();
  if (!refused) return std::nullopt;
  Finding found{.cause = Cause::policy_denied,
                .evidence = {},
                .alternative = {},
                .advice = refused->advice(),
                .holder = {},
                .policy = "lsm",
                .policy_profile = refused->profile()};
  found.evidence.emplace_back(refused->evidence(), refused->standing);
  const bool path = facts.is_unix_path() || facts.path_call() != nullptr;
  if (path && facts.permissions().denial)
    found.alternative =
        "modes and capabilities refuse the call now, and they are asked before security modules";
  // A message has the port and no address: it may be about another call to the same port.
  if (const SocketCall* call = facts.socket();
      facts.is_inet() && !facts.event.lsm_refused && (of_route(facts, *call) || of_cgroup(facts)))
    found.alternative = "the route, or a BPF program on the cgroup, may refuse the call in the same way";
  return found;
}

std::optional<Finding> of_inet(const Facts& facts, const SocketCall& call) {
  if (facts.event.syscall == Syscall::bind) {
    if (needs_port_privilege(call) &&
        authority_of(facts.event.actor, CAP_NET_BIND_SERVICE, call.owner_userns) != Authority::yes)
      return std::nullopt;
    if (auto cgroup = of_cgroup(facts)) return cgroup;
    return denied("the port and the caller's capabilities allow it", Standing::at_call(),
                  "look for a security module (dmesg, ausearch -m avc; Landlock leaves no trace), a BPF "
                  "program on the cgroup (bpftool cgroup tree), or a seccomp filter");
  }
  if (facts.event.syscall != Syscall::connect || broadcast_denied(facts)) return std::nullopt;
  if (auto route = of_route(facts, call)) return route;
  if (auto cgroup = of_cgroup(facts)) return cgroup;
  return denied("connect was refused on this host, before any answer came", Standing::at_call(),
                "look at the route (ip route get), the packet filter's output chain (nft list ruleset), a "
                "BPF program on the cgroup (bpftool cgroup tree), or a security module");
}

/// A closed port of any TCP answers with a reset; ICMP comes from what rejects packets.
Finding of_packet_filter(const SocketCall& call) {
  Finding found{.cause = Cause::policy_denied,
                .evidence = {{fmt::format("the connection to {} was refused by an ICMP message, not by a TCP "
                                          "reset: a packet filter rejects it (REJECT; reject in nftables)",
                                          call.address.ip_text())}},
                .alternative =
                    "the rule itself was not seen: it may be of this host, of the peer, or of a "
                    "router on the way",
                .advice =
                    "look for the rule: nft list ruleset and iptables-save, here and in the network "
                    "namespace of the peer; then the firewalls on the way"};
  found.policy = "netfilter";
  if (call.end) found.note("the message came " + end_text(call));
  return found;
}

/// A sysctl that is not in the record: most distributions set it.
std::optional<Finding> of_protected_link(const Facts& facts, const PermissionReplay& replay) {
  if (facts.event.error() != EACCES || !replay.known || replay.denial || replay.changed_since ||
      !replay.protected_link)
    return std::nullopt;
  const PathStep& link = *replay.protected_link;
  return denied(fmt::format("{} is a symbolic link of uid {} in a sticky directory that all may write: with "
                            "fs.protected_symlinks=1 nobody else may follow it, not even root",
                            printable(link.path).text, link.object.uid),
                unchanged_since_call(facts, link),
                "use the path that the link leads to, or let the owner of the directory make the link");
}

/// What the kernel itself answers with EPERM, beside permissions.
std::optional<Finding> of_kernel(const Facts& facts) {
  const SocketCall* call = facts.socket();
  if (facts.event.error() != EPERM || call == nullptr || call->family != AF_UNIX) return std::nullopt;
  if (!facts.reaches() || call->type != SOCK_DGRAM) return std::nullopt;
  Finding found{.cause = Cause::unknown};
  found.note(
      fmt::format("{} of a datagram socket returned EPERM: the kernel does so when the peer is connected to "
                  "another socket and accepts datagrams from that one only; a security module may do so, too",
                  to_string(facts.event.syscall)));
  found.advice =
      "check what the peer is connected to (ss -xp), then security modules (dmesg, ausearch -m avc)";
  return found;
}

}  // namespace

std::optional<Finding> policy_denied(const Facts& facts) {
  const int error = facts.event.error();
  if (facts.is_inet() && refused_by_icmp(facts)) return of_packet_filter(*facts.socket());
  if (error != EACCES && error != EPERM) return std::nullopt;
  if (auto message = of_message(facts)) return message;
  if (facts.is_inet()) return of_inet(facts, *facts.socket());
  if (auto kernel = of_kernel(facts)) return kernel;
  if (no_sockets_on_filesystem(facts)) return std::nullopt;
  const PermissionReplay& replay = facts.permissions();
  if (auto link = of_protected_link(facts, replay)) return link;
  if (!replay.known || replay.denial || replay.changed_since || !replay.standing.proven())
    return std::nullopt;
  return denied(fmt::format("every directory and the object itself allow it for {}",
                            credentials_text(replay.credentials, facts.id_names())),
                replay.standing,
                "look for a security module (dmesg, ausearch -m avc; Landlock leaves no trace), a seccomp "
                "filter, or an immutable file (lsattr)");
}

}  // namespace sockward::rules
