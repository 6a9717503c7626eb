#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "probe/plan.hpp"
#include "telemetry/bound_sockets.hpp"
#include "telemetry/kernel_counters.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// Which failures are reported (every one is counted).
struct ReportFilter {
  std::array<std::uint64_t, 3> errno_bits{};  ///< bit n: errno n, whatever the call
  bool all_errors = false;
  bool too_long = true;            ///< names that do not fit, whatever the errno
  bool unix_refused = true;        ///< connect ECONNREFUSED and EPROTOTYPE on AF_UNIX
  std::uint16_t syscalls = 0xFFF;  ///< bit per Syscall
  std::uint32_t only_tgid = 0;     ///< 0: every process

  void add_errno(int number) {
    errno_bits.at(static_cast<std::size_t>(number) / 64) |= 1ULL << (number % 64);
  }
  /// The default set of the Contract.
  static ReportFilter standard();
};

enum class CgroupHierarchy : std::uint8_t { v2, v1_pids, v1_memory };

struct ProbeOptions {
  ReportFilter filter = ReportFilter::standard();
  BackendChoice backend = BackendChoice::automatic;
  bool strict = false;                 ///< a probe that cannot attach is a StartupError
  std::string btf_path;                ///< empty: the running kernel's own BTF
  std::uint32_t ring_bytes = 1 << 20;  ///< a power of two, at least one page
  std::uint32_t source_entries = 8192;
  std::uint32_t bound_names = 4096;        ///< names whose binder is remembered
  bool seccomp_denied = false;             ///< fexit backend: see calls that a seccomp filter refused, too
  bool messages = false;                   ///< keep what young processes write (opt-in: costs every write)
  std::uint16_t near_limit_bytes = 100;    ///< 0: never report
  NamespaceInode host_utsns = 4026531838;  ///< PROC_UTS_INIT_INO, include/linux/proc_ns.h
  CgroupHierarchy hierarchy = CgroupHierarchy::v2;
  std::string cgroup2_root;   ///< where cgroup2 is mounted; empty: nowhere
  bool writes_strict = true;  ///< kernel.sysctl_writes_strict is 1
};

/// All programs and maps of the kernel side: loaded and attached by load(), detached by the destructor.
/// Its observers (KernelSource, UtsNames, BoundSockets) are thread-safe.
class ProbeSet final : public KernelSource, public UtsNames, public BoundSockets {
 public:
  /// What would be chosen, without loading anything. Throws StartupError (no privilege, no BTF).
  static std::vector<OperationPlan> preflight(const ProbeOptions& options);
  /// Throws StartupError: no privilege, no BTF, refused by the verifier, nothing could be attached.
  static std::unique_ptr<ProbeSet> load(const ProbeOptions& options);
  ~ProbeSet() override;

  int ring_fd() const;

  KernelSnapshot snapshot() const override;
  Result<std::vector<SourceCount>> failures_by_source() const override;
  std::vector<SourceCount> retired() const override;
  void retire(std::uint64_t container_key, bool remember) override;
  std::vector<ProgramStats> programs() const override;
  std::vector<ProbeStatus> probes() const override;
  std::vector<Coverage> coverage() const override;
  Result<std::vector<UtsNamespace>> read() const override;
  std::optional<SocketOwner> binder(const BoundName& name) const override;
  Result<std::vector<OpenSocket>> walk() const override;

 private:
  struct State;
  explicit ProbeSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sockward
