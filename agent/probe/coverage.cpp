#include "probe/coverage.hpp"

#include <sys/syscall.h>

#include <algorithm>

namespace sockward {
namespace {

bool is_attached(const std::vector<ProbeStatus>& probes, std::string_view operation) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const auto& p) { return p.operation == operation; });
  return found != probes.end() && found->attached;
}

std::string backend_of(const std::vector<ProbeStatus>& probes, std::string_view operation) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const auto& p) { return p.operation == operation; });
  return found == probes.end() ? "none" : found->backend;
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
  for (std::size_t i = 0; i < kSyscalls; ++i) {
    const auto syscall = static_cast<Syscall>(i);
    const std::string name(to_string(syscall));
    const bool attached = is_attached(probes, name), fexit = backend_of(probes, name) == "fexit";
    any_fexit |= fexit;
    if (has_system_call(syscall)) result.push_back({name, "syscall", attached});
    // __sys_bind and its like serve native and 32-bit callers alike; others have an entry function for each.
    const bool compat = takes_socket(syscall) ? attached && fexit : is_attached(probes, name + "_compat");
    result.push_back({name, "compat", kCompatKnown && compat});
    if (syscall == Syscall::bind || syscall == Syscall::connect || syscall == Syscall::unlinkat)
      result.push_back({name, "io_uring", is_attached(probes, name + "_uring")});
  }
  for (const char* name : {"sethostname", "setdomainname"})
    result.push_back({name, "sysctl", is_attached(probes, "sysctl")});
  result.push_back({"*", "seccomp_denied", !any_fexit || is_attached(probes, "bind_denied")});
  result.push_back({"*", "restart", restart});
  return result;
}

}  // namespace sockward
