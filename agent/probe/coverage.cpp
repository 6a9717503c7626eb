#include "probe/coverage.hpp"

#include <sys/syscall.h>

#include <algorithm>

#include "probe/plan.hpp"

namespace sockward {
namespace {

ProbeStatus status_of(const std::vector<ProbeStatus>& probes, std::string_view operation) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const auto& p) { return p.operation == operation; });
  return found == probes.end() ? ProbeStatus{.operation = std::string(operation), .reason = {}} : *found;
}

/// Are 32-bit callers told and tested here? AArch32 programs pass the fexit programs, but no test has shown
/// it.
constexpr bool kCompatKnown =
#ifdef __x86_64__
    true;
#else
    false;
#endif

}  // namespace

bool has_system_call(Syscall syscall) {
#ifdef SYS_unlink
  (void)syscall;
  return true;
#else
  return syscall != Syscall::unlink;
#endif
}

std::vector<Coverage> coverage_of(const std::vector<ProbeStatus>& probes, bool restart) {
  std::vector<Coverage> result;
  bool any_fexit = false;
  const auto attached = [&](Syscall call, Variant variant) {
    return status_of(probes, operation_name(call, variant)).attached;
  };
  for (std::size_t i = 0; i < kSyscalls; ++i) {
    const auto syscall = static_cast<Syscall>(i);
    const std::string name(to_string(syscall));
    const bool fexit = status_of(probes, operation_name(syscall, Variant::plain)).backend == Backend::fexit;
    any_fexit |= fexit;
    if (has_system_call(syscall)) result.push_back({name, "syscall", attached(syscall, Variant::plain)});
    // __sys_bind and its like serve native and 32-bit callers alike; others have an entry function for each.
    const bool compat = has_variant(syscall, Variant::compat) ? attached(syscall, Variant::compat)
                                                              : fexit && attached(syscall, Variant::plain);
    result.push_back({name, "compat", kCompatKnown && compat});
    if (syscall == Syscall::sendmsg)  // the function where all sends meet; a request is told as this call
      result.push_back({name, "io_uring", fexit && attached(syscall, Variant::plain)});
    if (has_variant(syscall, Variant::uring))
      result.push_back({name, "io_uring", attached(syscall, Variant::uring)});
  }
  for (const Syscall call : {Syscall::sethostname, Syscall::setdomainname})
    result.push_back({std::string(to_string(call)), "sysctl", status_of(probes, "sysctl").attached});
  result.push_back({"connect", "outcome",
                    status_of(probes, "outcome").attached && status_of(probes, "outcome_begin").attached});
  result.push_back({"*", "seccomp_denied", !any_fexit || attached(Syscall::bind, Variant::denied)});
  result.push_back({"*", "restart", restart});
  return result;
}

}  // namespace sockward
