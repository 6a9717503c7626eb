#include "kernel/socket_scan.hpp"

#include <cstring>
#include <numeric>

namespace sockward {
namespace {

enum Flag : std::uint8_t { kV6only = 1, kReuseport = 2, kReuseaddr = 4, kTruncated = 8 };

std::uint8_t flags_of(const OpenSocket& socket) {
  const SocketTraits& traits = socket.owner.traits;
  return static_cast<std::uint8_t>((traits.v6only ? kV6only : 0) | (traits.reuseport ? kReuseport : 0) |
                                   (traits.reuseaddr ? kReuseaddr : 0) |
                                   (socket.name.address.truncated ? kTruncated : 0));
}

std::string_view shown(const std::string& text) {
  return std::string_view(text).substr(0, 255);  // the kernel's names have 108 bytes at most
}

std::size_t room_for(const OpenSocket& socket, std::size_t most) {
  if (socket.name.kind == BoundName::Kind::path || socket.state == OpenSocket::State::listening) return most;
  const bool connection =
      socket.name.kind == BoundName::Kind::inet && socket.state == OpenSocket::State::connected;
  return connection ? most / 2 : most / 4 * 3;
}

}  // namespace

SocketList::SocketList(const std::vector<OpenSocket>& sockets) : most_bytes_(kUnbounded) {
  for (const OpenSocket& socket : sockets) add(socket);
}

std::uint64_t SocketList::left_out() const {
  return std::accumulate(left_out_.begin(), left_out_.end(), std::uint64_t{0});
}

std::size_t SocketList::bytes() const {
  return entries_.size() * sizeof(Entry) + processes_.size() * sizeof(OwnerProcess) + texts_.size();
}

void SocketList::add(const OpenSocket& socket) {
  const std::string_view name = shown(socket.name.address.name), path = shown(socket.path);
  const std::size_t more = sizeof(Entry) + sizeof(OwnerProcess) + name.size() + path.size();
  if (bytes() + more > room_for(socket, most_bytes_)) {
    ++left_out_.at(static_cast<std::size_t>(socket.name.kind));
    return;
  }
  if (processes_.empty() || processes_.back() != socket.owner.process)
    processes_.push_back(socket.owner.process);
  Entry entry{.socket_inode = socket.owner.socket_inode,
              .sock = socket.owner.sock,
              .place = socket.name.address.ip,
              .process = static_cast<std::uint32_t>(processes_.size() - 1),
              .text = static_cast<std::uint32_t>(texts_.size()),
              .netns = socket.name.netns,
              .fd = socket.fd,
              .bound_device = socket.owner.traits.bound_device,
              .links = socket.links,
              .socket_uid = socket.owner.traits.socket_uid,
              .generation = socket.owner.generation,
              .queue = socket.queue,
              .backlog = socket.backlog,
              .protocol = socket.name.protocol,
              .port = socket.name.address.port,
              .family = socket.name.address.family,
              .type = socket.type,
              .kind = static_cast<std::uint8_t>(socket.name.kind),
              .address_kind = static_cast<std::uint8_t>(socket.name.address.kind),
              .state = static_cast<std::uint8_t>(socket.state),
              .flags = flags_of(socket),
              .name_bytes = static_cast<std::uint8_t>(name.size()),
              .path_bytes = static_cast<std::uint8_t>(path.size())};
  if (socket.name.kind == BoundName::Kind::path) {
    std::memcpy(entry.place.data(), &socket.name.device, sizeof(socket.name.device));
    std::memcpy(entry.place.data() + 8, &socket.name.inode, sizeof(socket.name.inode));
  } else if (socket.name.kind == BoundName::Kind::netlink) {
    std::memcpy(entry.place.data(), &socket.name.address.netlink_port,
                sizeof(socket.name.address.netlink_port));
  }
  texts_.append(name).append(path);
  entries_.push_back(entry);
}

void SocketList::leave_out(BoundName::Kind kind, std::uint64_t count) {
  left_out_.at(static_cast<std::size_t>(kind)) += count;
}

void SocketList::finish() {
  entries_.shrink_to_fit();
  processes_.shrink_to_fit();
  texts_.shrink_to_fit();
}

std::vector<OpenSocket> SocketList::of_socket(std::uint64_t socket_inode) const {
  std::vector<OpenSocket> found;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].socket_inode == socket_inode) found.push_back((*this)[i]);
  return found;
}

std::vector<OpenSocket> SocketList::near(const BoundName& name) const {
  std::array<std::uint8_t, 16> file{};
  std::memcpy(file.data(), &name.device, sizeof(name.device));
  std::memcpy(file.data() + 8, &name.inode, sizeof(name.inode));
  const auto same = [&](const Entry& entry) {
    switch (name.kind) {
      case BoundName::Kind::inet:
        return entry.port == name.address.port;
      case BoundName::Kind::abstract:
        return texts_.compare(entry.text, entry.name_bytes, name.address.name) == 0;
      case BoundName::Kind::path:
        return entry.place == file;
      case BoundName::Kind::netlink:
        return true;
    }
    return true;
  };
  std::vector<OpenSocket> found;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].kind == static_cast<std::uint8_t>(name.kind) && same(entries_[i]))
      found.push_back((*this)[i]);
  return found;
}

OpenSocket SocketList::operator[](std::size_t index) const {
  const Entry& entry = entries_[index];
  OpenSocket socket{.name = {.kind = static_cast<BoundName::Kind>(entry.kind),
                             .netns = entry.netns,
                             .protocol = entry.protocol,
                             .address = {.kind = static_cast<AddressKind>(entry.address_kind),
                                         .family = entry.family,
                                         .name = texts_.substr(entry.text, entry.name_bytes),
                                         .port = entry.port,
                                         .truncated = (entry.flags & kTruncated) != 0}},
                    .owner = {.process = processes_[entry.process],
                              .socket_inode = entry.socket_inode,
                              .generation = entry.generation,
                              .sock = entry.sock,
                              .traits = {.socket_uid = entry.socket_uid,
                                         .bound_device = entry.bound_device,
                                         .v6only = (entry.flags & kV6only) != 0,
                                         .reuseport = (entry.flags & kReuseport) != 0,
                                         .reuseaddr = (entry.flags & kReuseaddr) != 0}},
                    .fd = entry.fd,
                    .type = entry.type,
                    .state = static_cast<OpenSocket::State>(entry.state),
                    .path = texts_.substr(entry.text + entry.name_bytes, entry.path_bytes),
                    .links = entry.links,
                    .queue = entry.queue,
                    .backlog = entry.backlog};
  if (socket.name.kind == BoundName::Kind::path) {
    std::memcpy(&socket.name.device, entry.place.data(), sizeof(socket.name.device));
    std::memcpy(&socket.name.inode, entry.place.data() + 8, sizeof(socket.name.inode));
  } else if (socket.name.kind == BoundName::Kind::netlink) {
    std::memcpy(&socket.name.address.netlink_port, entry.place.data(),
                sizeof(socket.name.address.netlink_port));
  } else {
    socket.name.address.ip = entry.place;
  }
  return socket;
}

}  // namespace sockward
