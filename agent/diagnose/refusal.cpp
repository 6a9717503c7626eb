#include "diagnose/refusal.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "base/errno_name.hpp"

namespace sockward {
namespace {

/// Never certain: the entry may have been missed, for the kernel can skip a program (docs/coverage.md).
Diagnosis refused_by_seccomp(const Event& event) {
  Diagnosis found{.cause = Cause::policy_denied, .confidence = Confidence::likely};
  found.policy = "seccomp";
  found.evidence = {
      fmt::format("the caller has a seccomp filter, and {} was seen to return without having begun",
                  to_string(event.syscall))};
  found.advice = fmt::format(
      "allow {} in the filter: the container runtime's seccomp profile, or systemd's SystemCallFilter= and "
      "RestrictAddressFamilies=",
      to_string(event.syscall));
  return found;
}

Diagnosis refused_by_hook(const Event& event) {
  Diagnosis found{.cause = Cause::policy_denied, .confidence = Confidence::certain};
  const auto error = errno_name(event.error()).value_or("an error");
  if (event.lsm_refused) {
    found.policy = "lsm";
    found.evidence = {fmt::format("a security module answered {} (seen at the kernel's hook)", error)};
    found.advice =
        "look at dmesg and ausearch -m avc for AppArmor and SELinux; Landlock leaves no trace: look at the "
        "program's own sandbox";
  } else {
    found.policy = "cgroup_bpf";
    found.evidence = {
        fmt::format("a BPF program on the caller's cgroup answered {} (seen at the kernel's hook)", error)};
    found.advice = "see them with: bpftool cgroup tree; systemd: IPAddressDeny=, SocketBindDeny=";
  }
  return found;
}

bool filters_answer_with(int error) {
  return error == EPERM || error == EACCES || error == ENOSYS;
}

}  // namespace

std::optional<Diagnosis> observed_refusal(const Event& event) {
  if (!event.failed()) return std::nullopt;
  if (event.lsm_refused || event.cgroup_refused) return refused_by_hook(event);
  if (event.seccomp_refused && filters_answer_with(event.error())) return refused_by_seccomp(event);
  return std::nullopt;
}

}  // namespace sockward
