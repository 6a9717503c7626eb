#include "sandbox/privileges.hpp"

#include <cap-ng.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <memory>

namespace sockward {
namespace {

/// Calls that the agent makes at the start at most.
constexpr int kForbidden[] = {SCMP_SYS(execve),
                              SCMP_SYS(execveat),
                              SCMP_SYS(ptrace),
                              SCMP_SYS(process_vm_readv),
                              SCMP_SYS(process_vm_writev),
                              SCMP_SYS(mount),
                              SCMP_SYS(umount2),
                              SCMP_SYS(pivot_root),
                              SCMP_SYS(move_mount),
                              SCMP_SYS(fsopen),
                              SCMP_SYS(fsmount),
                              SCMP_SYS(mount_setattr),
                              SCMP_SYS(chroot),
                              SCMP_SYS(init_module),
                              SCMP_SYS(finit_module),
                              SCMP_SYS(delete_module),
                              SCMP_SYS(kexec_load),
                              SCMP_SYS(kexec_file_load),
                              SCMP_SYS(reboot),
                              SCMP_SYS(swapon),
                              SCMP_SYS(swapoff),
                              SCMP_SYS(settimeofday),
                              SCMP_SYS(clock_settime),
                              SCMP_SYS(adjtimex),
                              SCMP_SYS(acct),
                              SCMP_SYS(sethostname),
                              SCMP_SYS(setdomainname),
                              SCMP_SYS(setuid),
                              SCMP_SYS(setgid),
                              SCMP_SYS(setreuid),
                              SCMP_SYS(setregid),
                              SCMP_SYS(setresuid),
                              SCMP_SYS(setresgid),
                              SCMP_SYS(setgroups),
                              SCMP_SYS(capset),
                              SCMP_SYS(unshare),
                              SCMP_SYS(keyctl),
                              SCMP_SYS(add_key),
                              SCMP_SYS(request_key),
                              SCMP_SYS(perf_event_open),
                              SCMP_SYS(userfaultfd),
                              SCMP_SYS(io_uring_setup)};

constexpr int kForbiddenBpf[] = {BPF_MAP_CREATE,  BPF_PROG_LOAD,           BPF_OBJ_PIN,
                                 BPF_PROG_ATTACH, BPF_RAW_TRACEPOINT_OPEN, BPF_BTF_LOAD,
                                 BPF_LINK_CREATE, BPF_LINK_UPDATE,         BPF_PROG_BIND_MAP};

struct ReleaseFilter {
  void operator()(scmp_filter_ctx filter) const noexcept { seccomp_release(filter); }
};

Error seccomp_error(int negative, const char* what) {
  return {std::error_code(-negative, std::generic_category()), what};
}

}  // namespace

const std::vector<KeptCapability>& kept_capabilities() {
  static const std::vector<KeptCapability> kept = {
      {"CAP_BPF", "reading counters, and the scans of open sockets and UTS namespaces", true, true},
      {"CAP_DAC_READ_SEARCH", "names of containers, and paths in folders that are closed to others", false,
       true},
      {"CAP_SYS_PTRACE", "executables, roots and open files of other users' processes", false, true},
      {"CAP_SYS_ADMIN", "looking into other network namespaces (ports in use, routes)", false, false},
      {"CAP_NET_ADMIN", "whether BPF programs decide for a cgroup (policy_denied)", false, false}};
  return kept;
}

Result<bool> limit_capabilities(const std::vector<std::string>& drop, bool http) {
  if (capng_get_caps_process() != 0) return last_error("read the capabilities");
  std::vector<unsigned> keep;
  for (const KeptCapability& one : kept_capabilities()) {
    const int number = capng_name_to_capability(one.name + 4);  // without CAP_
    if (number < 0 || (http && !one.for_http) || std::find(drop.begin(), drop.end(), one.name) != drop.end())
      continue;
    if (capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(number)) == 1)
      keep.push_back(static_cast<unsigned>(number));
  }
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
  capng_clear(CAPNG_SELECT_ALL);
  for (const unsigned capability : keep) {
    const auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
    capng_update(CAPNG_ADD, sets, capability);
    capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, capability);
  }
  if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) != 0) return last_error("limit the bounding set");
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) return last_error("drop capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return last_error("set no_new_privs");
  return true;
}

Result<bool> forbid_dangerous_calls() {
  const std::unique_ptr<void, ReleaseFilter> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return make_error(std::errc::not_enough_memory, "make a seccomp filter");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE,
                   2);  // a tree: few steps for the calls that are allowed
  for (const int call : kForbidden)
    if (const int failed = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0); failed != 0)
      return seccomp_error(failed, "add a rule to the seccomp filter");
  for (const int command : kForbiddenBpf)
    if (const int failed = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 1,
                                            SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
        failed != 0)
      return seccomp_error(failed, "add a rule to the seccomp filter");
  if (const int failed = seccomp_load(filter.get()); failed != 0)
    return seccomp_error(failed, "load the seccomp filter");
  return true;
}

}  // namespace sockward
