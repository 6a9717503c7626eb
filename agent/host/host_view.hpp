#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"
#include "kernel/socket_scan.hpp"

namespace sockward {

/// Names one process for good: a pid alone may be reused.
struct ProcessId {
  std::uint32_t tgid = 0;
  std::uint64_t start_ns = 0;  ///< CLOCK_BOOTTIME start of the leader; 0: unknown, the pid alone decides
};

inline ProcessId process_of(const Event& event) {
  return {event.actor.tgid, event.actor.leader_start_ns};
}

struct HostNames {
  std::string hostname, domainname;  ///< raw bytes
};

/// What lies at a path, seen from a process's root and not followed when it is a symbolic link itself.
struct PathObject {
  enum class Kind { socket, file, directory, symlink, fifo, device };
  Kind kind = Kind::file;
  std::uint64_t device = 0, inode = 0;  ///< as stat(2) has them
  std::uint32_t uid = 0, gid = 0, mode = 0;
  std::uint32_t links = 1;   ///< 0: its name was removed; something (a mount) still leads to it
  bool immutable = false;    ///< chattr +i: it cannot be removed, and no name in it made or removed
  bool append_only = false;  ///< chattr +a: it cannot be removed, and no name in it
  WallTime changed;          ///< ctime
  WallTime modified;         ///< mtime: of a directory, when a name in it was made or removed last
  /// Does the file system keep exact change times? Not so on network file systems, FUSE, FAT, /proc, and
  /// where times have whole seconds.
  bool exact_times = false;
  std::optional<std::uint32_t> generation;  ///< of the inode number, where the file system reports it
  std::optional<WallTime> born;             ///< where the file system keeps it
};

/// A symbolic link on the way along a path.
struct SymlinkOnPath {
  std::string path, target;  ///< raw bytes; path as the process sees it
  bool last = false;         ///< it is the last component
  WallTime changed;          ///< ctime of the link
  bool from_our_mounts =
      false;  ///< the caller's mount namespace is gone: seen from ours, below the same root
};

/// The mount that an object was reached through, as /proc/pid/mountinfo has it. Strings are raw bytes.
struct MountPoint {
  std::string point;        ///< where it is mounted, as the process sees it
  std::string root;         ///< what of its file system is mounted there, without "//deleted"
  std::string file_system;  ///< ext4, tmpfs, mqueue …
  std::string source;
  bool source_removed = false;  ///< what is mounted has no name any more
  bool read_only = false;
};

/// One address of a network interface.
struct InterfaceAddress {
  SocketAddress address;   ///< port 0
  bool tentative = false;  ///< duplicate address detection has not finished: cannot be used yet
  bool duplicate = false;  ///< it failed: another host has the address
};

/// A network interface of the caller's network namespace.
struct NetworkInterface {
  std::uint32_t index = 0;
  std::string name;  ///< raw bytes
  bool up = false, loopback = false;
  bool ipv6_disabled = false;  ///< net.ipv6.conf.<name>.disable_ipv6
  std::vector<InterfaceAddress> addresses;
};

/// One directory that was searched on the way along a path, links followed.
struct PathStep {
  std::string path;  ///< as the process sees it; raw bytes
  PathObject object;
  bool has_acl = false;  ///< it has a POSIX access-control list: the mode alone does not decide
};

/// The way along a path, as the kernel resolves it.
struct PathTrace {
  std::vector<PathStep> searched;  ///< the last one is the directory that holds (or would hold) the name
  std::optional<PathStep> object;  ///< what lies at the end
  std::vector<PathStep> links;     ///< symbolic links that were followed, in order
  /// The first component that does not exist, or (`missing_is_file`) that would have to be a directory and is
  /// none: nothing behind it was looked at. nullopt: all directories are there.
  std::optional<std::string> missing;
  bool missing_is_file = false;
  std::vector<std::uint64_t> mounts;  ///< numbers of the mounts on the way (/proc/pid/mountinfo)
  bool loops = false;                 ///< more than 40 of them: ELOOP
  bool remote = false;                ///< NFS, FUSE and the like: permissions are decided elsewhere
  bool layered = false;               ///< overlay: the file system below has permissions of its own
  bool idmapped = false;              ///< a mount on the way maps owners (mount_setattr(2)), or may do so
  bool read_only = false;             ///< the last directory lies on a read-only mount
  long file_system = 0;               ///< of the last directory: its magic number (statfs(2))
  /// Looked up below the very root directory and in the mount namespace that the record has, not only through
  /// a process that may have changed them since.
  bool callers_view = false;
};

/// What permission checks on files go by.
struct Credentials {
  std::uint32_t fsuid = 0, fsgid = 0;
  std::vector<std::uint32_t> groups;
};

/// The names of a user and a group. nullopt: the number has no name.
struct IdNames {
  std::optional<std::string> user, group;
};

/// What /proc/net says of a local port: connections that no process has open any more, and sockets that have
/// the port bound or listen on it.
struct PortUse {
  enum class State { time_wait, closing, bound };  ///< closing: FIN_WAIT1, FIN_WAIT2, CLOSING or LAST_ACK
  State state = State::closing;
  std::chrono::milliseconds age{0};  ///< time_wait: since it began; 0: not known
  std::uint64_t socket_inode = 0;    ///< bound
};

/// What the routing table says of a destination.
struct Route {
  int error = 0;  ///< EACCES of a prohibit route, EINVAL of a blackhole, ENETUNREACH …; 0: there is one
  bool local = false;           ///< it is an address of this network namespace
  bool broadcast = false;       ///< it is a broadcast address of one of its links
  std::uint32_t interface = 0;  ///< that packets leave by; 0: not known
  std::string interface_name;   ///< raw bytes
  SocketAddress gateway;        ///< kind unreadable: none, the destination is on the link
  /// What the neighbour table says of the gateway, or of the destination on the link.
  enum class Neighbour { unknown, answering, failed };
  Neighbour neighbour = Neighbour::unknown;
};

/// A TCP connection of the caller's network namespace.
struct KnownConnection {
  std::uint64_t socket_inode = 0;  ///< 0: no process holds it any more (TIME_WAIT, an orphan)
  std::string state;               ///< as netstat(8) names it: "ESTABLISHED", "TIME_WAIT" …
};

/// Facts about the host, asked after the call. The one seam between rules and the system: tests pass a fake.
/// An Error is an answer: "not visible", with the reason. Implementations are thread-safe.
class HostView {
 public:
  virtual ~HostView() = default;
  /// The program's path as the process sees it. Error: the process is gone, or not visible from here.
  virtual Result<std::string> executable(ProcessId process) const = 0;
  /// The command line; user memory, so evidence and not proof (proc(5), /proc/pid/cmdline).
  virtual Result<std::vector<std::string>> arguments(ProcessId process) const = 0;
  /// The process's cgroup in the hierarchy that distinguishes containers.
  virtual Result<std::string> cgroup_path(ProcessId process) const = 0;
  /// Present names of a UTS namespace; nullopt: no process lives in it.
  virtual Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const = 0;

  /// All bound sockets that processes have open. `shared`: a scan that began a moment before `time` will do
  /// (under load one serves many questions); `fresh`: it began after `time`.
  ///
  /// This and every other look-up whose cost grows with the node has a CPU budget; where it is exhausted the
  /// Error is std::errc::resource_unavailable_try_again, which means nothing else here. Files and networks of
  /// a caller that is gone are among them: a process that shares its view has to be searched for.
  enum class Scan { shared, fresh };
  virtual Result<std::shared_ptr<const SocketScan>> sockets(MonotonicTime time, Scan scan) const = 0;
  /// The latest scan that had ended before `time`: at worst the one that was made when the agent started.
  virtual Result<std::shared_ptr<const SocketScan>> sockets_before(MonotonicTime time) const = 0;
  /// Notes what was released, and makes a scan now, so that binder() and sockets_before() can answer later.
  virtual void refresh_socket_scan() const = 0;
  /// BoundSockets::note_released, after which binder() knows of every socket that has gone by now.
  virtual Result<bool> note_released() const = 0;
  /// Ever: sockets that scans had no room for; look-ups that were skipped because the CPU budget was
  /// exhausted, each time it was asked for.
  struct Omissions {
    std::uint64_t sockets = 0, look_ups = 0;
    /// Look-ups of files that took too long, and that were not begun because too many hang.
    std::uint64_t files_timed_out = 0, files_not_begun = 0;
  };
  virtual Omissions omissions() const = 0;
  /// Who bound this name last, if it is remembered.
  virtual std::optional<SocketOwner> binder(const BoundName& name) const = 0;
  /// nullopt: nothing is there. Error: the process is gone and its root is not ours, or a folder cannot be
  /// entered.
  virtual Result<std::optional<PathObject>> object_at(const Event& event, const std::string& path) const = 0;
  /// The first symbolic link on an absolute path; nullopt: there is none.
  virtual Result<std::optional<SymlinkOnPath>> first_symlink(const Event& event,
                                                             const std::string& path) const = 0;
  /// Every directory on the way along an absolute path. `follow`: also a link at its end.
  virtual Result<PathTrace> trace_path(const Event& event, const std::string& path, bool follow) const = 0;
  /// Of the calling thread: those of the record, if it has all groups; else as they are by now.
  virtual Result<Credentials> credentials(const Event& event) const = 0;
  /// What the caller's own /etc/passwd and /etc/group call them. Error: also when the caller lives in another
  /// user namespace than we do, where numbers mean something else.
  virtual Result<IdNames> id_names(const Event& event, std::uint32_t uid, std::uint32_t gid) const = 0;
  /// Who uses a local port in the caller's network namespace. `protocol`: IPPROTO_TCP or IPPROTO_UDP.
  virtual Result<std::vector<PortUse>> port_uses(const Event& event, std::uint16_t port,
                                                 int protocol) const = 0;
  /// Does any network namespace know a socket bound to a path with this last component? A socket file can be
  /// served from every one of them. Also one that no process has open: in flight between two, or held by
  /// io_uring. Only namespaces that a process lives in, or that are bind-mounted, are searched.
  virtual Result<bool> knows_socket_named(const Event& event, const std::string& name) const = 0;
  // The network namespace of a call on a socket is that of the socket, else the caller's.

  /// What the routing table of the call's network namespace answers for this destination, and what the
  /// neighbour table says of the next hop.
  virtual Result<Route> route(const Event& event, const SocketAddress& to) const = 0;
  /// Interfaces of the call's network namespace with their addresses.
  virtual Result<std::vector<NetworkInterface>> interfaces(const Event& event) const = 0;
  /// The connection with these four numbers; nullopt: there is none.
  virtual Result<std::optional<KnownConnection>> connection(const Event& event, const SocketAddress& local,
                                                            const SocketAddress& remote) const = 0;
  /// The mount through which the caller reaches what lies at an absolute path (links followed but for the
  /// last component); `point` is the path itself when something is mounted on it.
  virtual Result<MountPoint> mount_at(const Event& event, const std::string& path) const = 0;
  /// The event counter of the caller's mount namespace now. nullopt: no process lives in it any more.
  virtual Result<std::optional<std::uint64_t>> mount_event(const Event& event) const = 0;
  /// The mount namespace that a process lives in now. Error: it is gone.
  virtual Result<NamespaceInode> mount_namespace(ProcessId process) const = 0;
  /// Was the wall clock set at `time` or later, as far as is known? Then file times prove nothing. Not known
  /// from before the agent started; a time just after a change may be answered with true.
  virtual bool clock_set_since(MonotonicTime time) const = 0;
  /// How many BPF programs decide about this kind of call for the caller's cgroup.
  virtual Result<unsigned> cgroup_programs(const Event& event) const = 0;
  virtual WallTime wall(MonotonicTime time) const = 0;
};

}  // namespace sockward
