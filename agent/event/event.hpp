#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "event/namespace_inode.hpp"
#include "event/socket_address.hpp"
#include "event/socket_owner.hpp"
#include "event/syscall.hpp"

namespace sockward {

enum class Via : std::uint8_t { syscall, sysctl, io_uring, compat };

std::string_view to_string(Via via);

/// Who made the call, as the kernel had it when the call returned.
struct Actor {
  std::uint32_t tgid = 0, tid = 0;     ///< in the initial pid namespace
  std::uint64_t leader_start_ns = 0;   ///< CLOCK_BOOTTIME; with tgid it names one process for good
  std::uint32_t uid = 0;               ///< in the initial user namespace
  std::uint32_t fsuid = 0, fsgid = 0;  ///< what permission checks on files go by
  std::uint64_t cap_effective = 0;     ///< bit per capability(7), valid in `userns`
  std::uint64_t container_key = 0;     ///< cgroup id
  NamespaceInode netns = 0, utsns = 0, pidns = 0, mntns = 0, userns = 0;
  /// Of the thread's root and working directory, as stat(2) has them.
  std::uint64_t root_device = 0, root_inode = 0, working_device = 0, working_inode = 0;
  /// The event counter of the mount namespace when the call returned (fs/mount.h, mnt_namespace::event): it
  /// is another one after any change of mounts. 0: not known.
  std::uint64_t mount_event = 0;
  /// Supplementary groups when the call returned. nullopt: not in the record.
  std::optional<std::vector<std::uint32_t>> groups;
  bool groups_truncated = false;  ///< it has more of them
  std::string comm;               ///< of the group leader; raw bytes

  bool has_capability(int number) const { return (cap_effective >> number & 1) != 0; }
};

/// The directory that a relative name starts from, walked in the kernel.
struct Directory {
  enum class State { absolute, known, clipped, unreachable, unknown };
  State state = State::absolute;  ///< absolute: the name needs none
  std::string path;               ///< known: below the caller's root; raw bytes
};

/// One file for good, as stat(2) has it.
struct FileId {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const FileId&) const = default;
};

/// How a TCP connect ended; by number as in the wire format.
enum class ConnectOutcome : std::uint8_t { none, established, refused, unreachable, timed_out, given_up };
inline constexpr std::size_t kConnectOutcomes = 6;  ///< none included
std::string_view to_string(ConnectOutcome outcome);

/// The end of a TCP connect that came to nothing after its first SYN was sent.
struct ConnectEnd {
  ConnectOutcome outcome = ConnectOutcome::none;
  std::chrono::nanoseconds elapsed{0};  ///< since the first SYN
  std::uint32_t syns = 0;               ///< sent, those that were repeated included
  /// A TCP segment came back: a refusal was a reset. Otherwise it was ICMP, or nothing came.
  bool answered = false;
};

struct SocketCall {
  int fd = -1;
  int address_length = 0;    ///< addrlen, as passed; may be negative
  int backlog = 0;           ///< listen only
  SocketAddress address;     ///< listen: the socket's own
  bool kernel_copy = false;  ///< the address is the kernel's, not the caller's memory
  bool of_peer = false;      ///< a send that has none: it is the name of the peer that is connected
  bool peer_queue_full = false, send_buffer_full = false;  ///< sends: when the call returned
  Directory directory;
  bool is_socket = false;  ///< fd is a socket; otherwise the fields below are 0
  std::uint16_t family = 0, type = 0, protocol = 0;
  std::uint16_t port_start = 0;     ///< net.ipv4.ip_unprivileged_port_start there
  NamespaceInode socket_netns = 0;  ///< may differ from the caller's
  NamespaceInode owner_userns = 0;  ///< of socket_netns
  std::uint16_t bound_port = 0;
  std::uint32_t bound_device = 0;  ///< interface that the socket is bound to; 0: none
  bool v6only = false;             ///< an IPv6 socket that takes no IPv4
  bool reuseport = false;          ///< SO_REUSEPORT is set
  bool reuseaddr = false;          ///< SO_REUSEADDR is set
  std::optional<FileId> replaced;  ///< bind: another socket file had this very name before
  std::uint32_t socket_uid = 0;    ///< who made the socket (sk_uid)
  /// Where the kernel looks for a port: IP_LOCAL_PORT_RANGE of the socket (0: not set), and
  /// net.ipv4.ip_local_port_range of its network namespace (0: not known).
  std::uint16_t own_port_low = 0, own_port_high = 0, port_low = 0, port_high = 0;
  std::uint16_t state = 0;   ///< TCP state after the call, include/net/tcp_states.h
  bool port_chosen = false;  ///< the program bound the port itself (SOCK_BINDPORT_LOCK)
  SocketAddress source;      ///< connect: the socket's own address; kind unreadable: it has none
  /// What the network namespace had of an IPv6 address that could not be used (EADDRNOTAVAIL); by number as
  /// in the wire format.
  enum class AddressState : std::uint8_t { unknown, absent, usable, tentative, duplicate, family_off };
  AddressState address_state = AddressState::unknown;
  std::optional<ConnectEnd> end;  ///< of a TCP connect; nullopt: no SYN was sent, or not known
  /// bind: who had the abstract name (EADDRINUSE); nullopt: the kernel side does not know.
  std::optional<SeenHolder> holder;
};

/// A path argument: raw bytes; nullopt when it could not be read.
using PathArgument = std::optional<std::string>;

struct PathCall {
  int dirfd = -100;
  std::uint32_t flags = 0;
  std::uint64_t resolve = 0;       ///< openat2: how.resolve
  bool arguments_readable = true;  ///< false: struct open_how could not be read: no flags, no resolve
  PathArgument path, source;       ///< source: mount and move_mount only
  bool truncated = false;          ///< a path is longer than what was copied
  Directory directory;
};

struct NameCall {
  bool domain = false;
  int asked_length = 0;
  std::uint32_t file_position = 0;   ///< sysctl only
  std::optional<std::string> asked;  ///< bytes passed; nullopt when unreadable
  bool asked_clipped = false;
  std::string old_name, new_name;   ///< from the namespace; sysctl: new_name is computed before the write
  bool old_at_exit = false;         ///< no entry was seen: old_name is the one at exit
  NamespaceInode owner_userns = 0;  ///< of the UTS namespace
  bool first = false;               ///< the first change of this name since its namespace was seen to be made
  struct Ancestor {
    std::uint32_t tgid = 0;
    std::string comm;  ///< raw bytes
  };
  std::vector<Ancestor> ancestors;  ///< processes from which the caller descends, its parent first

  bool changed() const { return old_name != new_name; }
};

/// An argument of a program that has just been started, long enough to hold a socket path that does not fit.
struct LongArgument {
  std::uint32_t index = 0;
  std::string text;      ///< raw bytes
  bool clipped = false;  ///< it is longer
  std::string before;    ///< the argument before it, cut
};

/// The end of a process that bound a socket file or was started with a long argument. Its files are closed a
/// moment later.
struct ProcessExit {
  int status = 0;  ///< as wait(2) has it
  bool binder = false, had_argument = false;
  std::string message;  ///< what it wrote last, when it failed and that is kept; raw bytes

  /// 0 when a signal ended it.
  unsigned exit_code() const { return static_cast<unsigned>(status) >> 8 & 0xFF; }
  bool failed() const { return (status & 0x7F) == 0 && exit_code() != 0; }
};

/// The number of a record: of one probe on one CPU, from 1, without gaps where it was sent.
struct RecordNumber {
  std::uint64_t sequence = 0;
  std::uint16_t cpu = 0, probe = 0;
};

/// One call, decoded and owned. No kernel layout leaks past it.
struct Event {
  MonotonicTime time;
  std::uint64_t sequence = 0;  ///< of this probe on this CPU
  std::uint16_t cpu = 0, probe = 0;
  Actor actor;
  Syscall syscall = Syscall::bind;
  Via via = Via::syscall;
  int result = 0;                ///< 0 or more, or -errno
  std::uint32_t suppressed = 0;  ///< records like this one that the kernel side suppressed before it
  bool seccomp_refused = false;  ///< a filter's verdict: the exit was seen without the entry
  bool lsm_refused = false;      ///< a security module's own answer was seen
  bool cgroup_refused = false;   ///< so was that of BPF programs on its cgroup
  bool kernel_answered = false;  ///< openat2 and its like: no seccomp filter can have made up the error
  std::variant<SocketCall, PathCall, NameCall, LongArgument, ProcessExit> call;

  bool failed() const { return result < 0; }
  int error() const { return failed() ? -result : 0; }
  /// A TCP connect whose socket the program closed before an answer came: there is no errno of the kernel.
  bool given_up() const {
    const auto* socket = std::get_if<SocketCall>(&call);
    return socket != nullptr && socket->end && socket->end->outcome == ConnectOutcome::given_up;
  }
  RecordNumber number() const { return {sequence, cpu, probe}; }
};

/// The name a call was about, made absolute below the caller's root; nullopt when it cannot be told.
/// Symbolic links and ".." are left as they are.
std::optional<std::string> resolved_path(const Event& event);

}  // namespace sockward
