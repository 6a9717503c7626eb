#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "kernel/bound_sockets.hpp"

namespace sockward {

/// Bound sockets in little memory: 88 bytes each, the text of its name, and each process once; their Binding
/// is not kept. What finds no room is left out and counted. TCP connections may take half of the room, and
/// all but listeners and socket files three quarters, so that the many do not crowd out the few.
class SocketList {
 public:
  static constexpr std::size_t kUnbounded = ~std::size_t{0};

  explicit SocketList(std::size_t most_bytes = kUnbounded) : most_bytes_(most_bytes) {}
  SocketList(const std::vector<OpenSocket>& sockets);  // NOLINT(google-explicit-constructor): the same thing

  /// Sockets of one process should come one after the other.
  void add(const OpenSocket& socket);
  /// So many more with a name of this kind were left out before they came here.
  void leave_out(BoundName::Kind kind, std::uint64_t count);
  /// More than these find no room in it: TCP connections, and idle sockets without a file.
  std::uint64_t most_connections() const { return most_bytes_ / 2 / sizeof(Entry); }
  std::uint64_t most_idle() const { return most_bytes_ / 4 * 3 / sizeof(Entry); }
  /// Nothing more will come: gives spare room back.
  void finish();

  std::size_t size() const { return entries_.size(); }
  OpenSocket operator[](std::size_t index) const;
  /// All descriptors of the socket with this number.
  std::vector<OpenSocket> of_socket(std::uint64_t socket_inode) const;
  /// Those that can be in the way of this name: the same port, whatever the address, the protocol and the
  /// network namespace; the same abstract name in any; the same file.
  std::vector<OpenSocket> near(const BoundName& name) const;
  std::size_t bytes() const;
  std::uint64_t left_out() const;
  /// Was nothing with a name of this kind left out? Only then does what is not in it say something.
  bool complete_for(BoundName::Kind kind) const { return left_out_.at(static_cast<std::size_t>(kind)) == 0; }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = OpenSocket;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = OpenSocket;

    Iterator(const SocketList* list, std::size_t index) : list_(list), index_(index) {}
    OpenSocket operator*() const { return (*list_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) { return {list_, index_++}; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const SocketList* list_;
    std::size_t index_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  struct Entry {
    std::uint64_t socket_inode = 0, sock = 0;
    /// The IP address; of a socket file device and inode; a netlink port.
    std::array<std::uint8_t, 16> place{};
    std::uint32_t process = 0;  ///< index in processes_
    std::uint32_t text = 0;     ///< where its name begins in texts_; its path follows
    std::uint32_t netns = 0, fd = 0, bound_device = 0, links = 0;
    std::uint32_t socket_uid = 0, generation = 0, queue = 0, backlog = 0;
    std::uint16_t protocol = 0, port = 0, family = 0, type = 0;
    std::uint8_t kind = 0, address_kind = 0, state = 0, flags = 0, name_bytes = 0, path_bytes = 0;
  };
  static_assert(sizeof(Entry) == 88);

  std::size_t most_bytes_;
  std::array<std::uint64_t, 4> left_out_{};  ///< by BoundName::Kind
  std::vector<Entry> entries_;
  std::vector<OwnerProcess> processes_;
  std::string texts_;
};

/// Bound sockets that a process has open, at one time, in every network namespace: all of them, or those that
/// a filter asked for.
struct SocketScan {
  MonotonicTime began;
  WallTime began_wall;  ///< by the clock as it was then
  MonotonicTime ended;
  SocketList sockets;
  SocketFilter filter = {};  ///< what is not covered by it was not looked for
};

}  // namespace sockward
