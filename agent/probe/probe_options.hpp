#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "event/cgroup_hierarchy.hpp"
#include "event/event.hpp"
#include "probe/plan.hpp"

struct bpf_object;

namespace sockward {

/// Which failures are reported (every one is counted).
struct ReportFilter {
  std::array<std::uint64_t, 3> errno_bits{};  ///< bit n: errno n, whatever the call
  bool all_errors = false;
  bool too_long = true;      ///< names that do not fit, whatever the errno
  bool unix_refused = true;  ///< connect ECONNREFUSED and EPROTOTYPE on AF_UNIX
  /// Failures that say something of this call or family only (bpf/core/wanted.bpf.h): of AF_UNIX, of refused
  /// and timed-out TCP connects, link-local addresses without an interface, EBUSY of unlink.
  bool unix_missing = true;
  std::uint16_t syscalls = kEverySyscall;  ///< bit per Syscall
  std::uint32_t only_tgid = 0;             ///< 0: every process
  bool only_descendants = false;  ///< only of what this process forks from now on, and of its descendants

  void add_errno(int number) {
    errno_bits.at(static_cast<std::size_t>(number) / 64) |= 1ULL << (number % 64);
  }
  /// The default set: docs/contract.md.
  static ReportFilter standard();
};

struct ProbeOptions {
  ReportFilter filter = ReportFilter::standard();
  BackendChoice backend = BackendChoice::automatic;
  bool strict = false;                 ///< a probe that cannot attach is a StartupError
  std::string btf_path;                ///< empty: the running kernel's own BTF
  std::uint32_t ring_bytes = 1 << 20;  ///< a power of two, at least one page
  std::uint32_t source_entries = 8192;
  std::uint32_t bound_names = 4096;  ///< names whose binder is remembered
  std::uint32_t source_rate = 0;     ///< records per second of one container, call and error; 0: any number
  std::uint32_t address_rate = 0;    ///< the same of one address in it
  bool seccomp_denied = false;       ///< fexit backend: see calls that a seccomp filter refused, too
  bool messages = false;             ///< keep what young processes write (opt-in: costs every write)
  bool sends = false;                ///< see datagrams sent to AF_UNIX sockets (opt-in: costs every one)
  std::uint16_t near_limit_bytes = 100;  ///< 0: never report
  /// Report TCP connects that the program gave up after so long. Shorter ones are mostly attempts that lost a
  /// race (RFC 8305).
  std::chrono::milliseconds given_up_after{1000};
  NamespaceInode host_utsns = 4026531838;  ///< PROC_UTS_INIT_INO, include/linux/proc_ns.h
  CgroupHierarchy hierarchy = CgroupHierarchy::v2;
  std::string cgroup2_root;   ///< where cgroup2 is mounted; empty: nowhere
  bool writes_strict = true;  ///< kernel.sysctl_writes_strict is 1
  /// Folder of bpffs where the kernel side lives on when this process dies; empty: it does not.
  std::string pin_path;
  bool keep_on_stop = false;         ///< also when it ends in good order
  bool verifier_statistics = false;  ///< keep what the verifier says of each program
  /// For tests: called before each load, to make it fail.
  std::function<void(bpf_object*)> before_load = {};
};

}  // namespace sockward
