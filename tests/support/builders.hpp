// Events, records and fakes for tests.
#pragma once
#include <arpa/inet.h>
#include <linux/capability.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <string>

#include "diagnose/capabilities.hpp"
#include "diagnose/rule.hpp"
#include "record/record.hpp"

namespace sockward::test {

inline constexpr NamespaceInode kHostUts = 4026531838, kOtherUts = 4026532200;

inline Actor an_actor() {
  return {.tgid = 4121,
          .tid = 4122,
          .leader_start_ns = 5'000'000'000,
          .uid = 998,
          .fsuid = 998,
          .cap_effective = 0,
          .container_key = 77,
          .netns = 4026531833,
          .utsns = kHostUts,
          .pidns = 4026531836,
          .mntns = 4026531832,
          .userns = kInitialUserNamespace,
          .comm = "ergo"};
}

inline Actor with_capability(Actor actor, int number) {
  actor.cap_effective |= 1ULL << number;
  return actor;
}

inline Event an_event(Syscall syscall, int error) {
  return {.time = {1'000'000'000},
          .sequence = 1,
          .actor = an_actor(),
          .syscall = syscall,
          .result = -error,
          .call = {}};
}

inline SocketAddress unix_path(const std::string& path) {
  return {.kind = AddressKind::path, .family = AF_UNIX, .name = path};
}

inline SocketAddress tcp4(const char* ip, std::uint16_t port) {
  SocketAddress address{.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = port};
  inet_pton(AF_INET, ip, address.ip.data());
  return address;
}

inline Event unix_call(Syscall syscall, int error, const std::string& path, int address_length) {
  Event event = an_event(syscall, error);
  event.call = SocketCall{.fd = 3,
                          .address_length = address_length,
                          .address = unix_path(path),
                          .kernel_copy = error == 0,
                          .directory = {},
                          .is_socket = true,
                          .family = AF_UNIX,
                          .type = SOCK_STREAM};
  return event;
}

inline Event inet_bind(int error, const SocketAddress& address) {
  Event event = an_event(Syscall::bind, error);
  event.call = SocketCall{.fd = 3,
                          .address_length = 16,
                          .address = address,
                          .directory = {},
                          .is_socket = true,
                          .family = address.family,
                          .type = SOCK_STREAM,
                          .protocol = IPPROTO_TCP,
                          .port_start = 1024,
                          .socket_netns = 4026531833,
                          .owner_userns = kInitialUserNamespace};
  return event;
}

inline Event path_call(Syscall syscall, int error, const std::string& path) {
  Event event = an_event(syscall, error);
  event.call = PathCall{.path = path, .source = {}, .directory = {}};
  return event;
}

inline Event name_call(int error, const std::string& from, const std::string& to, Via via = Via::syscall) {
  Event event = an_event(Syscall::sethostname, error);
  event.via = via;
  event.actor.utsns = kOtherUts;
  event.call = NameCall{.asked_length = static_cast<int>(to.size()),
                        .asked = to,
                        .old_name = from,
                        .new_name = error == 0 ? to : from,
                        .owner_userns = kInitialUserNamespace};
  return event;
}

/// A host with just the facts that a test gives it; everything else is "not visible".
class FakeHost : public HostView {
 public:
  std::map<std::uint32_t, std::vector<std::string>> command_lines;
  std::map<NamespaceInode, HostNames> names;
  std::vector<OpenSocket> open_sockets;                ///< what a walk finds now
  std::vector<OpenSocket> open_at_start;               ///< what the first walk found
  std::optional<std::vector<OpenSocket>> open_before;  ///< what a shared walk from before the call found
  bool walks = true;
  std::size_t walk_bytes = SocketList::kUnbounded;  ///< of each of them
  std::int64_t start_wall = kStart;                 ///< what the wall clock said then
  std::vector<std::pair<BoundName, SocketOwner>> binders;
  std::map<std::string, PathObject> objects;
  std::map<std::string, SymlinkOnPath> symlinks;  ///< by the whole path
  std::vector<PortUse> uses;
  bool tables_readable = true;
  bool hidden_socket = false;
  int route_answer = 0;
  bool address_is_local = true;
  unsigned programs = 0;
  std::optional<PathTrace> trace;  ///< of any path
  std::optional<Credentials> caller;
  bool names_visible = true;

  SocketList list_of(const std::vector<OpenSocket>& sockets) const {
    SocketList list(walk_bytes);
    for (const OpenSocket& socket : sockets) list.add(socket);
    return list;
  }
  Result<std::string> executable(ProcessId) const override { return gone(); }
  Result<std::vector<std::string>> arguments(ProcessId process) const override {
    const auto found = command_lines.find(process.tgid);
    if (found == command_lines.end()) return gone();
    return found->second;
  }
  Result<std::string> cgroup_path(ProcessId) const override { return gone(); }
  Result<std::optional<HostNames>> uts_names(NamespaceInode utsns) const override {
    if (!names_visible) return make_error(std::errc::function_not_supported, "walk");
    const auto found = names.find(utsns);
    if (found == names.end()) return std::optional<HostNames>();
    return std::optional(found->second);
  }
  Result<std::shared_ptr<const SocketScan>> sockets(MonotonicTime time, Walk walk) const override {
    if (!walks) return make_error(std::errc::function_not_supported, "walk");
    if (walk == Walk::shared && open_before)
      return std::make_shared<const SocketScan>(
          SocketScan{{time.ns - 2}, {}, {time.ns - 1}, list_of(*open_before)});
    return std::make_shared<const SocketScan>(
        SocketScan{{time.ns + 1}, {}, {time.ns + 2}, list_of(open_sockets)});
  }
  Omissions omissions() const override { return {}; }
  Result<std::shared_ptr<const SocketScan>> sockets_before(MonotonicTime) const override {
    if (!walks) return make_error(std::errc::function_not_supported, "walk");
    return std::make_shared<const SocketScan>(
        SocketScan{{kStart}, {start_wall}, {kStart}, list_of(open_at_start)});
  }
  void look_around() const override {}
  std::optional<SocketOwner> binder(const BoundName& name) const override {
    for (const auto& [bound, owner] : binders)
      if (bound == name) return owner;
    return std::nullopt;
  }
  Result<std::optional<PathObject>> object_at(const Event&, const std::string& path) const override {
    const auto found = objects.find(path);
    if (found == objects.end()) return std::optional<PathObject>();
    return std::optional(found->second);
  }
  Result<std::optional<SymlinkOnPath>> first_symlink(const Event&, const std::string& path) const override {
    const auto found = symlinks.find(path);
    if (found == symlinks.end()) return std::optional<SymlinkOnPath>();
    return std::optional(found->second);
  }
  Result<std::vector<PortUse>> port_uses(const Event&, std::uint16_t, int) const override {
    if (!tables_readable) return make_error(std::errc::file_too_large, "read /proc/net/tcp");
    return uses;
  }
  Result<bool> knows_socket_named(const Event&, const std::string&) const override { return hidden_socket; }
  Result<Route> route(const Event&, const SocketAddress&) const override {
    return Route{.error = route_answer, .local = address_is_local};
  }
  Result<unsigned> cgroup_programs(const Event&) const override { return programs; }
  Result<PathTrace> trace_path(const Event&, const std::string&, bool) const override {
    if (!trace) return gone();
    return *trace;
  }
  Result<Credentials> credentials(const Event&) const override {
    if (!caller) return gone();
    return *caller;
  }
  /// The two clocks agree in tests.
  WallTime wall(MonotonicTime time) const override { return {static_cast<std::int64_t>(time.ns)}; }

  static constexpr std::uint64_t kStart = 500'000'000;  ///< the agent started half a second before an_event()

 private:
  static Error gone() { return make_error(std::errc::no_such_process, "open /proc/4121"); }
};

}  // namespace sockward::test
