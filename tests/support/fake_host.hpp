// A host with just the facts that a test gives it; everything else is "not visible".
#pragma once
#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/cpu_budget.hpp"
#include "host/host_view.hpp"
#include "host/upkeep.hpp"

namespace sockward::test {

/// The mount namespace's event counter in records and, unless a test says otherwise, afterwards.
inline constexpr std::uint64_t kMountEvent = 7;

/// What the fakes of one host share.
class FakeLookUps {
 public:
  FakeLookUps() = default;
  FakeLookUps(const FakeLookUps&) = default;
  FakeLookUps& operator=(const FakeLookUps&) = delete;  // it is a virtual base: each part would assign it

  mutable std::map<std::string, int> asked;  ///< how often each look-up was made
  bool budget_left = true;                   ///< for looks at files, mounts and the network

 protected:
  static Error gone() { return make_error(std::errc::no_such_process, "open /proc/4121"); }
};

class FakeProcesses : public ProcessView, public virtual FakeLookUps {
 public:
  std::map<std::uint32_t, std::vector<std::string>> command_lines;
  std::optional<std::string> program;  ///< of whoever asks
  std::map<NamespaceInode, HostNames> names;
  bool names_visible = true;
  std::map<std::uint32_t, NamespaceInode> mount_namespaces;  ///< by process
  std::optional<Credentials> caller;
  unsigned programs = 0;

  Result<std::string> executable(ProcessId) const override {
    ++asked["executable"];
    if (!program) return gone();
    return *program;
  }
  Result<std::vector<std::string>> arguments(ProcessId process) const override {
    ++asked["arguments"];
    const auto found = command_lines.find(process.tgid);
    if (found == command_lines.end()) return gone();
    return found->second;
  }
  Result<std::string> cgroup_path(ProcessId) const override {
    ++asked["cgroup_path"];
    return gone();
  }
  Result<unsigned> cgroup_programs(const Event&) const override {
    ++asked["cgroup_programs"];
    return programs;
  }
  Result<Credentials> credentials(const Event&) const override {
    ++asked["credentials"];
    if (!caller) return gone();
    return *caller;
  }
  Result<NamespaceInode> mount_namespace(ProcessId process) const override {
    const auto found = mount_namespaces.find(process.tgid);
    if (found == mount_namespaces.end()) return gone();
    return found->second;
  }
  Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const override {
    ++asked["uts_names"];
    if (!names_visible) return make_error(std::errc::function_not_supported, "scan");
    const auto found = names.find(utsns);
    if (found == names.end()) return std::optional<HostNames>();
    return std::optional(found->second);
  }
};

class FakePaths : public PathView, public virtual FakeLookUps {
 public:
  std::map<std::string, PathObject> objects;
  std::map<std::string, SymlinkOnPath> symlinks;  ///< by the whole path
  std::optional<PathTrace> trace;                 ///< of any path
  bool files_visible = true;                      ///< trace_path() works
  std::optional<MountPoint> mounted;
  std::uint64_t mounts_now = kMountEvent;
  std::optional<IdNames> owner_names;

  Result<PathTrace> trace_path(const Event&, const std::string& path, bool) const override {
    ++asked["trace_path"];
    if (!budget_left) return budget_exhausted("search for a process with the caller's root");
    if (!files_visible) return gone();
    if (trace) return *trace;
    return trace_of_objects(path);
  }
  Result<std::optional<SymlinkOnPath>> first_symlink(const Event&, const std::string& path) const override {
    ++asked["first_symlink"];
    const auto found = symlinks.find(path);
    if (found == symlinks.end()) return std::optional<SymlinkOnPath>();
    return std::optional(found->second);
  }
  Result<MountPoint> mount_at(const Event&, const std::string&) const override {
    ++asked["mount_at"];
    if (!budget_left) return budget_exhausted("search for a process with the caller's root");
    if (!mounted) return gone();
    return *mounted;
  }
  Result<std::optional<std::uint64_t>> mount_event(const Event&) const override {
    ++asked["mount_event"];
    return std::optional(mounts_now);
  }
  Result<IdNames> id_names(const Event&, const IdNumbers&) const override {
    ++asked["id_names"];
    if (!owner_names) return gone();
    return *owner_names;
  }

 private:
  /// The way to one of `objects`, below directories that anybody may search and that are old, unless they are
  /// among the objects themselves.
  Result<PathTrace> trace_of_objects(const std::string& path) const {
    PathTrace found;
    found.callers_view = true;
    const auto step = [&](const std::string& at) {
      const auto known = objects.find(at);
      PathObject object{
          .kind = PathObject::Kind::directory, .mode = 0755, .changed = {1}, .exact_times = true};
      if (known != objects.end()) object = known->second;
      return PathStep{at, object};
    };
    found.searched.push_back(step("/"));
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
      found.searched.push_back(step(path.substr(0, slash)));
    if (const auto link = symlinks.find(path); link != symlinks.end() && !link->second.from_our_mounts)
      found.links.push_back(
          {link->second.path,
           {.kind = PathObject::Kind::symlink, .changed = link->second.changed, .exact_times = true}});
    if (const auto known = objects.find(path); known != objects.end())
      found.object = PathStep{path, known->second};
    return found;
  }
};

class FakeSockets : public SocketView, public virtual FakeLookUps {
 public:
  static constexpr std::uint64_t kStart = 500'000'000;  ///< the agent started half a second before an_event()

  std::vector<OpenSocket> open_sockets;                ///< what a scan finds now
  std::vector<OpenSocket> open_at_start;               ///< what the first scan found
  std::optional<std::vector<OpenSocket>> open_before;  ///< what a shared scan from before the call found
  bool scans = true;
  std::size_t walk_bytes = SocketList::kUnbounded;  ///< of each of them
  std::int64_t start_wall = kStart;                 ///< what the wall clock said at the first one
  std::vector<std::pair<BoundName, SocketOwner>> binders;
  std::vector<OpenSocket> held;  ///< still, on a crowded node
  bool names_released = true;    ///< note_released() works

  Result<std::shared_ptr<const SocketScan>> scan_after(MonotonicTime time, Scan scan,
                                                       const SocketFilter&) const override {
    ++asked["scan_after"];
    if (!scans) return make_error(std::errc::function_not_supported, "scan");
    if (scan == Scan::shared && open_before)
      return std::make_shared<const SocketScan>(
          SocketScan{{time.ns - 2}, {}, {time.ns - 1}, list_of(*open_before)});
    return std::make_shared<const SocketScan>(
        SocketScan{{time.ns + 1}, {}, {time.ns + 2}, list_of(open_sockets)});
  }
  Result<std::shared_ptr<const SocketScan>> scan_before(MonotonicTime, const SocketFilter&) const override {
    ++asked["scan_before"];
    if (!scans) return make_error(std::errc::function_not_supported, "scan");
    return std::make_shared<const SocketScan>(
        SocketScan{{kStart}, {start_wall}, {kStart}, list_of(open_at_start)});
  }
  std::optional<OpenSocket> still_held(const OpenSocket& known) const override {
    ++asked["still_held"];
    for (const auto& socket : held)
      if (socket.name == known.name && socket.owner.socket_inode == known.owner.socket_inode) return socket;
    return std::nullopt;
  }
  std::optional<SocketOwner> binder(const BoundName& name) const override {
    ++asked["binder"];
    for (const auto& [bound, owner] : binders)
      if (bound == name) return owner;
    return std::nullopt;
  }
  Result<bool> note_released() const override {
    ++asked["note_released"];
    if (!names_released) return make_error(std::errc::function_not_supported, "note released names");
    return true;
  }

 private:
  SocketList list_of(const std::vector<OpenSocket>& sockets) const {
    SocketList list(walk_bytes);
    for (const OpenSocket& socket : sockets) list.add(socket);
    return list;
  }
};

class FakeNetwork : public NetworkView, public virtual FakeLookUps {
 public:
  std::vector<PortUse> uses;
  bool tables_readable = true;
  bool hidden_socket = false;
  int route_answer = 0;
  bool address_is_local = true;
  std::optional<Route> whole_route;  ///< instead of the two above
  std::vector<NetworkInterface> links;
  std::optional<KnownConnection> known_connection;

  Result<std::vector<PortUse>> port_uses(const Event&, std::uint16_t, int) const override {
    ++asked["port_uses"];
    if (!tables_readable) return make_error(std::errc::file_too_large, "read /proc/net/tcp");
    return uses;
  }
  Result<bool> knows_socket_named(const Event&, const std::string&) const override {
    ++asked["knows_socket_named"];
    return hidden_socket;
  }
  Result<Route> route(const Event&, const SocketAddress&) const override {
    ++asked["route"];
    if (!budget_left) return budget_exhausted("search for the network namespace of the call");
    if (whole_route) return *whole_route;
    return Route{.error = route_answer, .local = address_is_local, .interface_name = {}, .gateway = {}};
  }
  Result<std::vector<NetworkInterface>> interfaces(const Event&) const override {
    ++asked["interfaces"];
    if (!budget_left) return budget_exhausted("search for the network namespace of the call");
    return links;
  }
  Result<std::optional<KnownConnection>> connection(const Event&, const SocketAddress&,
                                                    const SocketAddress&) const override {
    ++asked["connection"];
    return known_connection;
  }
};

class FakeTime : public TimeView {
 public:
  bool clock_was_set = false;

  /// The two clocks agree in tests.
  WallTime wall(MonotonicTime time) const override { return {static_cast<std::int64_t>(time.ns)}; }
  bool clock_set_since(MonotonicTime) const override { return clock_was_set; }
};

class FakeDenials : public DenialView, public virtual FakeLookUps {
 public:
  std::vector<AuditedDenial> denials;  ///< of whoever asks
  AuditLost audit_lost{};

  std::vector<AuditedDenial> denials_of(const Event&, const Wanted& wanted) const override {
    ++asked["denials_of"];
    std::vector<AuditedDenial> found;
    std::copy_if(denials.begin(), denials.end(), std::back_inserter(found), wanted);
    return found;
  }
  AuditLost lost() const override { return audit_lost; }
};

class FakeUnits : public UnitView, public virtual FakeLookUps {
 public:
  std::optional<std::string> unit_of_sockets;

  Result<std::string> socket_unit(const SocketCall&) const override {
    ++asked["socket_unit"];
    if (!unit_of_sockets) return gone();
    return *unit_of_sockets;
  }
};

class FakeRequests : public RequestView, public virtual FakeLookUps {
 public:
  std::optional<HostnameRequest> request;  ///< of whoever asks for its name

  std::optional<HostnameRequest> request_for(const Event&, const std::string& name) const override {
    ++asked["request_for"];
    return request && request->name == name ? request : std::nullopt;
  }
  std::uint64_t skipped() const override { return 0; }
};

/// All of them as one, and nothing to keep up.
class FakeHost : public FakeProcesses,
                 public FakePaths,
                 public FakeSockets,
                 public FakeNetwork,
                 public FakeTime,
                 public FakeDenials,
                 public FakeUnits,
                 public FakeRequests,
                 public HostUpkeep {
 public:
  operator HostView() const {  // NOLINT(google-explicit-constructor): it is one to whoever asks
    return {*this, *this, *this, *this, *this, *this, *this, *this};
  }
  void refresh_socket_scan() const override {}
  Omissions omissions() const override { return {}; }
};

}  // namespace sockward::test
