// Events, records and fakes for tests.
#pragma once
#include <arpa/inet.h>
#include <linux/capability.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "diagnose/capabilities.hpp"
#include "record/record.hpp"
#include "support/fake_host.hpp"

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
          .mount_event = kMountEvent,
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

inline SocketAddress tcp6(const char* ip, std::uint16_t port, std::uint32_t scope = 0) {
  SocketAddress address{
      .kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = port, .scope = scope};
  inet_pton(AF_INET6, ip, address.ip.data());
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

inline Event inet_connect(int error, const SocketAddress& address) {
  Event event = inet_bind(error, address);
  event.syscall = Syscall::connect;
  return event;
}

inline Event path_bind(int error, const std::string& path = "/run/app/x") {
  return unix_call(Syscall::bind, error, path, static_cast<int>(path.size()) + 3);
}

inline Event path_connect(int error, const std::string& path = "/run/app/x") {
  return unix_call(Syscall::connect, error, path, static_cast<int>(path.size()) + 3);
}

/// A datagram sent to a path.
inline Event path_send(int error, const std::string& path = "/run/app/x", Syscall call = Syscall::sendto) {
  Event event = unix_call(call, error, path, static_cast<int>(path.size()) + 3);
  std::get<SocketCall>(event.call).type = SOCK_DGRAM;
  return event;
}

/// The arguments of a call on a socket, to be changed.
inline SocketCall& call_of(Event& event) {
  return std::get<SocketCall>(event.call);
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

}  // namespace sockward::test
