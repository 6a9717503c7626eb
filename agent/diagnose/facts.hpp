#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "diagnose/denial_fact.hpp"
#include "diagnose/finding.hpp"
#include "diagnose/history.hpp"
#include "diagnose/holding.hpp"
#include "diagnose/path_facts.hpp"
#include "diagnose/permissions.hpp"
#include "diagnose/socket_file.hpp"
#include "event/event.hpp"
#include "host/host_view.hpp"

namespace sockward {

/// A value that is computed when it is first asked for, and kept.
template <class T>
class Lazy {
 public:
  template <class Compute>
  const T& get(Compute compute) const {
    if (!value_) value_ = std::make_unique<T>(compute());
    return *value_;
  }
  /// nullptr: it was never asked for.
  const T* known() const { return value_.get(); }

 private:
  mutable std::unique_ptr<T> value_;
};

/// All that rules may know of one event: the record, what happened before it, and the host, which is asked
/// for each fact once, however many rules read it. So all rules of an event see the same world, and each fact
/// says since when it is known to be true (Standing). Used by one thread; lives as long as one diagnosis.
class Facts {
 public:
  /// `history`: what happened earlier. All that is referred to must outlive this object. `asked_now`: there
  /// was no call, its time is now (sockward explain): whatever is looked up counts as true at that moment.
  Facts(const Event& observed, const HostView& host, const History& history, NamespaceInode hosts_own_utsns,
        bool asked_now = false)
      : event(observed), before(history), host_utsns(hosts_own_utsns), host_(host), asked_now_(asked_now) {}

  const Event& event;
  const History& before;
  const NamespaceInode host_utsns;

  /// The call when it is one on a socket, a path, a name; nullptr: it is not.
  const SocketCall* socket() const { return std::get_if<SocketCall>(&event.call); }
  const PathCall* path_call() const { return std::get_if<PathCall>(&event.call); }
  const NameCall* name() const { return std::get_if<NameCall>(&event.call); }
  bool is(Syscall syscall, int error) const { return event.syscall == syscall && event.error() == error; }
  /// Is it a call that looks for the socket with the address: a connect, or a send?
  bool reaches() const { return sockward::reaches(event.syscall); }
  bool reaches(int error) const { return reaches() && event.error() == error; }
  /// A send without an address, to the peer that is connected; its name is where that one was bound.
  bool to_peer() const { return socket() != nullptr && socket()->of_peer; }
  /// A call on an AF_UNIX path; of an internet address; of an abstract name.
  bool is_unix_path() const;
  bool is_inet() const;
  bool is_abstract() const;

  // Files.
  /// The way along the path of the call. The link at its end is followed as the call follows it.
  const PathFacts& way() const;
  const PermissionReplay& permissions() const;
  /// What the caller's files call the caller, its groups and the owner of what denies; empty where they are
  /// not known.
  const IdNames& id_names() const;
  const Result<MountPoint>& mount() const;
  /// The first symbolic link on the path, as the caller sees it or, when the caller is gone, as we do.
  const Result<std::optional<SymlinkOnPath>>& first_symlink() const;

  // Sockets.
  /// Bound sockets that processes have open, looked at after the call. ScanFact::obstacle says why not.
  const ScanFact& scan() const;
  /// The sockets that scans for this event look for.
  const SocketFilter& filter() const;
  /// The latest scan that had ended before the call.
  const Result<std::shared_ptr<const SocketScan>>& earlier_scan() const;
  /// Who holds the internet address, abstract name or netlink port id of the call.
  const Holding& holding() const;
  /// What lies at the path of the call, when the way to it can be looked up and something is there.
  const std::optional<SocketFile>& socket_file() const;
  /// Who holds the file that had this name before (SocketCall::replaced).
  const Holding& replaced_holding() const;
  /// Local uses of the port of the call, from /proc/net.
  const Result<std::vector<PortUse>>& port_uses() const;
  /// Who held this name when the call returned, as the kernel side saw it. nullptr: it did not see one.
  const SeenHolder* seen_holder(const BoundName& name) const;
  /// Who bound this name last, if it is remembered; the one who was seen to hold it before any other.
  std::optional<SocketOwner> binder(const BoundName& name) const { return look_up_binder(name).owner; }
  /// Is binder() the one in the record, whom the name table has no more?
  bool binder_is_from_record(const BoundName& name) const { return look_up_binder(name).from_record; }
  /// SocketView::still_held.
  std::optional<OpenSocket> still_held(const OpenSocket& known) const {
    return host_.sockets.still_held(known);
  }
  /// Makes binder() know of sockets that have gone, also of those that no process has open. Once per event.
  bool note_released() const;
  /// Is a socket with this last component of its path known to the kernel now, in any network namespace?
  const Result<bool>& hidden_socket(const std::string& name) const;

  // The network.
  const Result<Route>& route() const;
  const Result<std::vector<NetworkInterface>>& interfaces() const;
  /// The connection that has the source and the destination of a connect.
  const Result<std::optional<KnownConnection>>& connection() const;

  // Processes.
  const Result<std::vector<std::string>>& arguments() const;
  const Result<std::string>& executable() const;
  /// Of another process, by number: not kept, each is asked about once.
  Result<std::vector<std::string>> arguments_of(std::uint32_t tgid) const {
    return host_.processes.arguments({.tgid = tgid});
  }
  const Result<unsigned>& cgroup_programs() const;
  /// The socket unit of systemd that listens at the address of the call: what systemd says now.
  const Result<std::string>& socket_unit() const;
  /// The audit message in which a security module refused this call. Asking may take 50 ms where there is
  /// none, so ask when nothing else explains the call.
  const std::optional<DenialFact>& denial() const;
  /// The number of that message, if it was asked for and there.
  std::optional<std::uint64_t> used_denial() const;
  const Result<std::optional<HostNames>>& uts_names() const;
  /// Who asked systemd-hostnamed over the system bus for this name. Not kept: ask once, and only about a
  /// change that systemd-hostnamed has made, for it may take 100 ms.
  std::optional<HostnameRequest> hostname_request(const std::string& name) const {
    return host_.requests.request_for(event, name);
  }
  Result<NamespaceInode> mount_namespace(ProcessId process) const {
    return host_.processes.mount_namespace(process);
  }

  WallTime wall(MonotonicTime time) const { return host_.time.wall(time); }
  WallTime call_time() const { return host_.time.wall(event.time); }
  bool asked_now() const { return asked_now_; }
  /// Did the wall clock keep its course since the call, so that file times can be compared with it?
  Standing clock() const;
  /// Has the mount namespace of the caller the mounts that it had at the call? Asked when it is called first,
  /// so after the look-ups it is to vouch for.
  const Standing& mounts() const;
  /// Was a look-up not made because look-ups had cost enough (base of sockward_lookups_skipped_total)?
  bool skipped() const { return skipped_; }

 private:
  /// The answer as it is; notes when it is that the CPU budget was exhausted.
  template <class T>
  Result<T> noting(Result<T> answer) const {
    if (!answer && answer.error().code == std::errc::resource_unavailable_try_again) skipped_ = true;
    return answer;
  }

  const HostView host_;
  const bool asked_now_;
  struct KnownBinder {
    BoundName name;
    std::optional<SocketOwner> owner;
    bool from_record = false;
  };
  KnownBinder look_up_binder(const BoundName& name) const;

  mutable std::vector<KnownBinder> binders_;
  mutable bool skipped_ = false;
  Lazy<PathFacts> way_;
  Lazy<PermissionReplay> permissions_;
  Lazy<IdNames> id_names_;
  Lazy<Result<MountPoint>> mount_;
  Lazy<Result<std::optional<SymlinkOnPath>>> first_symlink_;
  Lazy<SocketFilter> filter_;
  Lazy<ScanFact> scan_;
  Lazy<Result<std::shared_ptr<const SocketScan>>> earlier_scan_;
  Lazy<Holding> holding_, replaced_;
  Lazy<std::optional<SocketFile>> socket_file_;
  Lazy<Result<std::vector<PortUse>>> port_uses_;
  Lazy<bool> released_;
  Lazy<Result<bool>> hidden_;
  Lazy<Result<Route>> route_;
  Lazy<Result<std::vector<NetworkInterface>>> interfaces_;
  Lazy<Result<std::optional<KnownConnection>>> connection_;
  Lazy<Result<std::vector<std::string>>> arguments_;
  Lazy<Result<std::string>> executable_;
  Lazy<Result<unsigned>> cgroup_programs_;
  Lazy<Result<std::string>> socket_unit_;
  Lazy<Result<std::optional<HostNames>>> uts_names_;
  Lazy<std::optional<DenialFact>> denial_;
  Lazy<Standing> mounts_, clock_;
};

}  // namespace sockward
