// Refused though modes and capabilities allow it: something above them said no. Where that layer was not seen
// to refuse (diagnose/refusal.hpp) this is at most likely: what stands in the way now is asked of the host.
#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>

#include "base/errno_name.hpp"
#include "base/printable.hpp"
#include "diagnose/capabilities.hpp"
#include "diagnose/permissions.hpp"

namespace sockward {
namespace {

Diagnosis denied(std::string evidence, std::string advice) {
  return {.cause = Cause::policy_denied,
          .confidence = Confidence::likely,
          .evidence = {std::move(evidence)},
          .advice = std::move(advice),
          .holder = {},
          .policy = "unknown"};
}

class PolicyDenied final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const int error = seen.event.error();
    if (error != EACCES && error != EPERM) return std::nullopt;
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call != nullptr && call->is_socket && call->address.is_inet()) return examine_inet(seen, *call);
    const PermissionReplay replay = replay_permissions(seen);
    if (!replay.known || replay.denial || !replay.doubt.empty()) return std::nullopt;
    return denied(fmt::format("every directory and the object itself allow it for {}",
                              credentials_text(replay.credentials)),
                  "look for a security module (dmesg, ausearch -m avc; Landlock leaves no trace), a seccomp "
                  "filter, or an "
                  "immutable file (lsattr)");
  }

  static std::optional<Diagnosis> examine_inet(const Observation& seen, const SocketCall& call) {
    if (seen.event.syscall == Syscall::bind) {
      const bool low = call.address.port != 0 && call.address.port < call.port_start;
      if (low && authority_of(seen.event.actor, CAP_NET_BIND_SERVICE, call.owner_userns) != Authority::yes)
        return std::nullopt;
      if (auto cgroup = examine_cgroup(seen)) return cgroup;
      return denied("the port and the caller's capabilities allow it",
                    "look for a security module (dmesg, ausearch -m avc; Landlock leaves no trace), a BPF "
                    "program on the "
                    "cgroup (bpftool cgroup tree), or a seccomp filter");
    }
    if (seen.event.syscall != Syscall::connect || call.address.ip_text() == "255.255.255.255")
      return std::nullopt;
    if (auto route = examine_route(seen, call)) return route;
    if (auto cgroup = examine_cgroup(seen)) return cgroup;
    return denied("connect was refused on this host, before anything answered",
                  "look at the route (ip route get), the packet filter's output chain (nft list ruleset), a "
                  "BPF program on the cgroup (bpftool cgroup tree), or a security module");
  }

  /// Asked after the call: a route may have changed since.
  static std::optional<Diagnosis> examine_route(const Observation& seen, const SocketCall& call) {
    if (call.socket_netns != seen.event.actor.netns) return std::nullopt;
    const auto route = seen.host.route(seen.event, call.address);
    if (!route || route->error == 0 || route->error != seen.event.error()) return std::nullopt;
    Diagnosis found =
        denied(fmt::format("the routing table answers {} for {} (rtnetlink): a prohibit route",
                           errno_name(route->error).value_or("an error"), call.address.ip_text()),
               fmt::format("see it with: ip route get {}; remove the route, or the rule that leads to it",
                           call.address.ip_text()));
    found.policy = "route";
    return found;
  }

  static std::optional<Diagnosis> examine_cgroup(const Observation& seen) {
    const auto programs = seen.host.cgroup_programs(seen.event);
    if (!programs || *programs == 0 || seen.event.error() != EPERM) return std::nullopt;
    Diagnosis found = denied(
        fmt::format("{} BPF program{} on the caller's cgroup decide{} about {}", *programs,
                    *programs == 1 ? "" : "s", *programs == 1 ? "s" : "", to_string(seen.event.syscall)),
        "see them with: bpftool cgroup tree; systemd: IPAddressDeny=, SocketBindDeny=");
    found.policy = "cgroup_bpf";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_policy_denied() {
  return std::make_unique<PolicyDenied>();
}

}  // namespace sockward
