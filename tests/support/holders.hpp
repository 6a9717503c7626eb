// Sockets, the names that they are bound to, and their owners.
#pragma once
#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace sockward::test {

inline constexpr std::uint64_t kBefore = 900'000'000, kAfter = 1'100'000'000;  // an_event() is at 1 s

inline SocketOwner owner(std::uint32_t tgid, const char* comm, std::uint64_t socket_inode,
                         std::uint64_t time = 0) {
  return {.process = {.tgid = tgid, .uid = 33, .pidns = 4026531836, .comm = comm},
          .socket_inode = socket_inode,
          .traits = {.socket_uid = 33},
          .binding = {.time = {time}}};
}

inline BoundName tcp_name(const SocketAddress& address) {
  return {.kind = BoundName::Kind::inet, .netns = 4026531833, .protocol = IPPROTO_TCP, .address = address};
}

inline BoundName abstract_name(const std::string& name) {
  return {.kind = BoundName::Kind::abstract,
          .netns = 4026531833,
          .address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = name}};
}

inline BoundName file_name(std::uint64_t inode) {
  return {.kind = BoundName::Kind::path, .address = {}, .device = 8, .inode = inode};
}

inline PathObject socket_file(std::uint64_t inode, std::int64_t born) {
  return {.kind = PathObject::Kind::socket,
          .device = 8,
          .inode = inode,
          .mode = 0755,
          .changed = {born},
          .exact_times = true,
          .born = WallTime{born}};
}

/// As a scan finds it.
inline OpenSocket open_socket(const BoundName& name, const SocketOwner& who,
                              OpenSocket::State state = OpenSocket::State::listening) {
  return {.name = name, .owner = who, .fd = 3, .type = SOCK_STREAM, .state = state, .path = {}};
}

inline Event abstract_bind(const std::string& name) {
  Event event = an_event(Syscall::bind, EADDRINUSE);
  event.call = SocketCall{.address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = name},
                          .directory = {},
                          .is_socket = true,
                          .family = AF_UNIX,
                          .type = SOCK_STREAM,
                          .socket_netns = 4026531833};
  return event;
}

inline Event abstract_connect(const std::string& name, int error = ECONNREFUSED) {
  Event event = abstract_bind(name);
  event.syscall = Syscall::connect;
  event.result = -error;
  return event;
}

}  // namespace sockward::test
