// A layer beside the kernel's own checks was seen to refuse: a security module or a BPF program on the cgroup
// (its own answer was seen), or a seccomp filter (concluded from an entry that is missing).
#include <fmt/format.h>

#include <cerrno>

#include "base/errno_name.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

Finding refused_by_seccomp(const Facts& facts) {
  const auto call = to_string(facts.event.syscall);
  return {.cause = Cause::policy_denied,
          .evidence = {{fmt::format(
              "the caller has a seccomp filter, and {} was seen to return {} although its start was not seen",
              call, errno_name(facts.event.error()).value_or("an error"))}},
          // docs/adr/0005-what-a-missing-entry-proves.md
          .alternative = "the kernel may have skipped the BPF program that records when calls start",
          .advice = fmt::format("allow {} in the filter: the container runtime's seccomp profile, or "
                                "systemd's SystemCallFilter= and "
                                "RestrictAddressFamilies=",
                                call),
          .holder = {},
          .policy = "seccomp"};
}

/// Who it was is in the module's message. That a module refused is known without it.
void add_message(Finding& found, const DenialFact& message) {
  found.note(message.evidence());
  found.advice = message.advice();
  if (message.standing.proven()) found.policy_profile = message.profile();
}

Finding refused_by_hook(const Facts& facts) {
  const auto error = errno_name(facts.event.error()).value_or("an error");
  Finding found{.cause = Cause::policy_denied, .evidence = {}, .alternative = {}, .advice = {}, .holder = {}};
  if (facts.event.lsm_refused) {
    found.policy = "lsm";
    found.evidence.emplace_back(
        fmt::format("a security module answered {} (seen at the kernel's hook)", error));
    found.advice =
        "look at dmesg and ausearch -m avc for AppArmor and SELinux; Landlock leaves no trace: look at the "
        "program's own sandbox";
    if (const auto& message = facts.denial()) add_message(found, *message);
  } else {
    found.policy = "cgroup_bpf";
    found.evidence.emplace_back(
        fmt::format("a BPF program on the caller's cgroup answered {} (seen at the kernel's hook)", error));
    found.advice = "see them with: bpftool cgroup tree; systemd: IPAddressDeny=, SocketBindDeny=";
  }
  return found;
}

}  // namespace

std::optional<Finding> observed_refusal(const Facts& facts) {
  if (!facts.event.failed()) return std::nullopt;
  if (facts.event.lsm_refused || facts.event.cgroup_refused) return refused_by_hook(facts);
  if (facts.event.seccomp_refused) return refused_by_seccomp(facts);
  return std::nullopt;
}

}  // namespace sockward::rules
