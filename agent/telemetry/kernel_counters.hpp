#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// Address families told apart by the counters: of the socket, not of the sockaddr.
enum class Family : std::uint8_t { unix_, inet, inet6, netlink, vsock, other, none };
inline constexpr std::size_t kFamilies = 7;
std::string_view to_string(Family family);

/// Has this call a socket (and so a row of counters for each family)?
constexpr bool takes_socket(Syscall syscall) {
  return traits_of(syscall).takes_socket;
}
/// Only the ELOOP failures of these calls are counted.
constexpr bool counts_only_eloop(Syscall syscall) {
  return traits_of(syscall).counts_only_eloop;
}

/// Slot 0 = success, 1..133 = errno, 134 = an errno without a name.
inline constexpr std::size_t kErrnoSlots = 135;
/// Label of a slot: "EADDRINUSE", or "other". Not for slot 0.
std::string errno_label(std::size_t slot);

/// Changes of the names of UTS namespaces, by route.
struct NameChanges {
  struct Fields {
    std::uint64_t hostname = 0, domainname = 0;
    bool operator==(const Fields&) const = default;
  };
  static constexpr std::size_t kRoutes = 4;  ///< values of Via
  std::array<Fields, kRoutes> routes;

  Fields& by(Via route) { return routes[static_cast<std::size_t>(route)]; }
  const Fields& by(Via route) const { return routes[static_cast<std::size_t>(route)]; }
  bool operator==(const NameChanges&) const = default;
};

/// One set of the kernel's counters, summed over the CPUs. Plain values.
struct KernelSnapshot {
  using Slots = std::array<std::uint64_t, kErrnoSlots>;
  /// [syscall][family]; calls without a socket use Family::none only.
  std::array<std::array<Slots, kFamilies>, kSyscalls> calls{};
  /// TCP connects by how they ended: [inet, inet6][ConnectOutcome].
  std::array<std::array<std::uint64_t, kConnectOutcomes>, 2> connections{};
  std::uint64_t connects_untracked = 0;           ///< whose end is not known: too many were pending
  std::array<std::uint64_t, 110> path_lengths{};  ///< [n]: bind of an AF_UNIX path of n bytes; last: longer
  std::uint64_t path_length_sum = 0;
  /// By whose UTS namespace it was.
  struct {
    NameChanges container, host;
  } hostname_changes;
  std::uint64_t ring_full = 0;              ///< records lost because the ring buffer was full
  std::uint64_t source_table_full = 0;      ///< failures counted without their container
  std::uint64_t records = 0;                ///< record numbers given out
  std::uint64_t exec_arguments_unread = 0;  ///< execs whose arguments were not all looked at
  /// UTS namespaces, by the call that made them.
  struct {
    std::uint64_t clone = 0, unshare = 0;
  } uts_created;
  /// Put into the name table: socket files, other names.
  struct {
    std::uint64_t path = 0, other = 0;
  } names_bound;
  std::uint64_t names_new = 0;      ///< of these, names that it did not hold yet
  std::uint64_t suppressed = 0;     ///< records, in storms
  std::uint64_t names_evicted = 0;  ///< from the name table, because it was full

  const Slots& of(Syscall syscall, Family family) const {
    return calls[static_cast<std::size_t>(syscall)][static_cast<std::size_t>(family)];
  }
};

/// What is counted by container: failures of one call, family and errno; or TCP connects of one family that
/// ended in one way.
struct CountedKind {
  Syscall syscall = Syscall::bind;
  Family family = Family::none;
  std::uint16_t slot = 0;   ///< an errno slot; of `outcome` an ConnectOutcome
  bool is_outcome = false;  ///< a TCP connection; syscall is connect
  auto operator<=>(const CountedKind&) const = default;
};

/// One of them in one container.
struct SourceCount {
  std::uint64_t container_key = 0;
  CountedKind kind;
  std::uint64_t count = 0;
};

/// What the kernel says about one loaded program.
struct ProgramStats {
  std::string name;
  bool counts_calls = false;  ///< it is the one that counts a watched call
  std::uint64_t missed = 0;   ///< runs skipped by the recursion guard: bpf_prog_info.recursion_misses (5.12)
  std::uint64_t run_time_ns = 0;  ///< 0 while kernel.bpf_stats_enabled is 0
  std::uint64_t run_count = 0;
};

/// What the verifier said of one program when it was loaded.
struct VerifierCost {
  std::string program;
  std::uint32_t instructions = 0;  ///< processed, over all paths; the kernel refuses more than 1,000,000
  std::uint32_t stack_bytes = 0;   ///< of all its functions; the kernel refuses chains of more than 512
};

/// How programs are attached, the best way first. none: not at all.
enum class Backend : std::uint8_t { fexit, cgroup, iterator, tp_btf, tracepoint, none };
std::string_view to_string(Backend backend);

struct ProbeStatus {
  std::string operation;  ///< "bind", "bind_compat", "sysctl", "uts"
  Backend backend = Backend::none;
  bool attached = false;
  std::string reason;     ///< why this backend, or why none
  bool optional = false;  ///< nothing is missing without it
};

/// Is one way of doing one operation seen at present?
struct Coverage {
  std::string operation, route;
  bool seen = false;
};

/// The kernel side as the exporters see it. Implementations are thread-safe.
class KernelSource {
 public:
  virtual ~KernelSource() = default;
  /// Level (a). Take it once and hand it on: it sums the mapped counters of every possible CPU (32 KiB each)
  /// and, for names_evicted, reads the whole name table (limits.bound_names), 256 names in a system call.
  virtual KernelSnapshot snapshot() const = 0;
  /// Level (b), and what was retired from it, in one consistent view: snapshot() taken after it is never
  /// less.
  virtual Result<std::vector<SourceCount>> failures_by_source() const = 0;
  /// Counts of removed keys, by syscall, family and slot (container_key is 0).
  virtual std::vector<SourceCount> retired() const = 0;
  /// What becomes of the counts of a cgroup that is gone.
  enum class Fate {
    forget,    ///< they stay part of what has no container
    remember,  ///< they count as retired: they were shown under a name of their own
    host,      ///< they go on under the key kHostKey: the host's own are shown for ever, across restarts too
  };
  static constexpr std::uint64_t kHostKey = 0;
  /// Removes every key of a container whose cgroup is gone. Returns the fate: `host` becomes `remember` where
  /// the table has no room.
  virtual Fate retire(std::uint64_t container_key, Fate fate) = 0;
  virtual std::vector<ProgramStats> programs() const = 0;
  virtual std::vector<ProbeStatus> probes() const = 0;
  virtual std::vector<Coverage> coverage() const = 0;
};

}  // namespace sockward
