// Sockets and their names, for tests of what the kernel knows of them.
#pragma once
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "bpf/kernel_fixture.hpp"
#include "kernel/socket_scan.hpp"

namespace sockward::test {

inline NamespaceInode namespace_of(const char* kind) {
  struct stat status {};
  return stat((std::string("/proc/self/ns/") + kind).c_str(), &status) == 0
             ? static_cast<NamespaceInode>(status.st_ino)
             : 0;
}

inline sockaddr_un unix_address(const std::string& name) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  memcpy(address.sun_path, name.data(), name.size());
  return address;
}

inline int bind_unix(int fd, const std::string& name) {
  const sockaddr_un address = unix_address(name);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 ? 0 : errno;
}

/// A stream socket bound to this path; -1: it could not be bound.
inline int bind_path(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
}

inline int unix_socket(int type = SOCK_STREAM) {
  return socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline int bind_inet(int fd, const sockaddr_in& address) {
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

inline int connect_inet(int fd, const sockaddr_in& address) {
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

inline std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? ntohs(address.sin_port) : 0;
}

inline BoundName tcp_name(std::uint16_t port) {
  BoundName name{.kind = BoundName::Kind::inet,
                 .netns = namespace_of("net"),
                 .protocol = IPPROTO_TCP,
                 .address = {.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = port}};
  const in_addr here{htonl(INADDR_LOOPBACK)};
  memcpy(name.address.ip.data(), &here, 4);
  return name;
}

inline BoundName abstract_name(const std::string& name, NamespaceInode netns) {
  return {.kind = BoundName::Kind::abstract,
          .netns = netns,
          .address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = name}};
}

inline BoundName path_name(const std::string& path) {
  struct stat file {};
  stat(path.c_str(), &file);
  return {.kind = BoundName::Kind::path, .address = {}, .device = file.st_dev, .inode = file.st_ino};
}

inline std::optional<OpenSocket> open_socket(const SocketList& sockets, const BoundName& name) {
  const auto found = std::find_if(sockets.begin(), sockets.end(),
                                  [&](const OpenSocket& socket) { return socket.name == name; });
  return found == sockets.end() ? std::nullopt : std::optional(*found);
}

/// Tests with a folder of their own, in which there may be a socket file x.
class WithFolder : public Processes {
 protected:
  void SetUp() override {
    Processes::SetUp();
    char name[] = "/tmp/sockward-bpf-XXXXXX";
    folder = mkdtemp(name);
    chmod(folder.c_str(), 0755);
  }
  void TearDown() override {
    unlink((folder + "/x").c_str());
    rmdir(folder.c_str());
  }
  std::string folder;
};

}  // namespace sockward::test
