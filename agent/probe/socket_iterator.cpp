#include "probe/socket_iterator.hpp"

#include <bpf/bpf.h>
#include <sockward/hash.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/device.hpp"
#include "base/log.hpp"
#include "probe/iterator.hpp"

namespace sockward {
namespace {

constexpr int kTcpListen = 10, kTcpClose = 7;  // include/net/tcp_states.h; AF_UNIX uses the same numbers

OpenSocket::State state_of(const sockward_open_socket& entry) {
  if (entry.state == kTcpListen) return OpenSocket::State::listening;
  const bool datagram = entry.type == SOCK_DGRAM || entry.type == SOCK_RAW;
  return entry.state == kTcpClose || datagram ? OpenSocket::State::idle : OpenSocket::State::connected;
}

OpenSocket to_open_socket(const sockward_open_socket& entry, BoundName name) {
  return {.name = std::move(name),
          .owner = to_socket_owner(entry.owner),
          .fd = entry.fd,
          .type = entry.type,
          .state = state_of(entry),
          .path = std::string(entry.path, std::min<std::size_t>(entry.path_bytes, sizeof(entry.path))),
          .links = entry.links,
          .queue = entry.queue,
          .backlog = entry.backlog};
}

/// Hands the name table over in pieces.
Result<bool> read_table(int map_fd, const std::function<void(std::span<const sockward_named_binder>)>& take) {
  constexpr __u32 kBatch = 256;
  std::vector<__u64> hashes(kBatch);
  std::vector<sockward_named_binder> entries(kBatch);
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  for (__u32 position = 0, first = 1;;) {
    __u32 count = kBatch;
    const int failed = bpf_map_lookup_batch(map_fd, first != 0 ? nullptr : &position, &position,
                                            hashes.data(), entries.data(), &count, &options);
    if (failed != 0 && errno != ENOENT) return last_error("read the name table");  // ENOENT: that was all
    first = 0;
    take(std::span(entries).first(count));
    if (failed != 0) return true;
  }
}

/// Has it its name by a bind, as far as it can be told? Connections got theirs from a listener or when they
/// were made. A datagram socket of AF_UNIX has only what it bound. Most netlink ports are chosen by the
/// kernel: the process's number, or a negative one.
bool may_be_bound(const sockward_open_socket& entry) {
  if (entry.name.kind == SOCKWARD_NAME_NETLINK) {
    sockward_netlink_name netlink{};
    std::memcpy(&netlink, entry.name.bytes, sizeof(netlink));
    return netlink.port != entry.owner.tgid && static_cast<std::int32_t>(netlink.port) > 0;
  }
  const bool internet = entry.name.kind == SOCKWARD_NAME_INET;
  if (!internet && entry.type == SOCK_DGRAM) return true;
  return entry.state == kTcpListen || entry.state == kTcpClose;
}

bool same_name(const sockward_bound_name& one, const sockward_bound_name& other) {
  return std::memcmp(&one, &other, sizeof(one)) == 0;
}

/// Names for the table, the few before the many: what listens, for that is what others meet; then names of
/// AF_UNIX; then the rest.
class Seeds {
 public:
  void add(const sockward_open_socket& entry, std::size_t room) {
    const bool of_unix = entry.name.kind == SOCKWARD_NAME_PATH || entry.name.kind == SOCKWARD_NAME_ABSTRACT;
    auto& list = entry.state == kTcpListen ? listeners_ : of_unix ? unix_ : others_;
    if (list.size() < room)
      list.push_back({entry.name, entry.owner});
    else
      left_out_.push_back(sockward_name_hash(&entry.name));
  }

  SeededNames store(int map_fd, std::size_t room) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    std::uint64_t stored = 0;
    for (const auto* list : {&listeners_, &unix_, &others_}) {
      for (sockward_named_binder entry : *list) {
        entry.binder.time_ns =
            static_cast<__u64>(now.tv_sec) * 1'000'000'000 + static_cast<__u64>(now.tv_nsec);
        if (list == &listeners_) entry.binder.listening_ns = entry.binder.time_ns;
        const __u64 hash = sockward_name_hash(&entry.name);
        sockward_named_binder known{};
        const bool is_known = bpf_map_lookup_elem(map_fd, &hash, &known) == 0;
        if (is_known && same_name(known.name, entry.name))
          held_.push_back(hash);  // by another descriptor, or bound a moment ago
        else if (is_known)
          collided_.emplace(reinterpret_cast<const char*>(&entry.name), sizeof(entry.name));
        else if (stored < room && bpf_map_update_elem(map_fd, &hash, &entry, BPF_NOEXIST) == 0)
          ++stored, held_.push_back(hash);
        else
          left_out_.push_back(hash);
      }
    }
    const std::size_t missing = left_out() + collided_.size();
    if (missing != 0)
      log_info("{} names of open sockets found no room in the name table: limits.bound_names", missing);
    return {.stored = stored, .left_out = missing};
  }

 private:
  /// A name counts once, however many descriptors have it, and not at all where one of them found room.
  std::size_t left_out() {
    for (auto* hashes : {&left_out_, &held_}) std::sort(hashes->begin(), hashes->end());
    left_out_.erase(std::unique(left_out_.begin(), left_out_.end()), left_out_.end());
    std::vector<__u64> missing;
    std::set_difference(left_out_.begin(), left_out_.end(), held_.begin(), held_.end(),
                        std::back_inserter(missing));
    return missing.size();
  }

  std::vector<sockward_named_binder> listeners_, unix_, others_;
  std::vector<__u64> held_, left_out_;  // hashes
  std::set<std::string> collided_;      // names whose hash is another one's
};

constexpr std::uint64_t kMatchingConnections = 1024;  // of a filter, and of others than the internet as many

/// Which of the many there is room for, when everything is looked for.
struct Room {
  std::uint64_t connections = 0, inet_idle = 0, other_idle = 0;
};

/// Tells the iterator what to look for.
Result<bool> set_filter(const SocketIterator& iterator, const SocketFilter& filter, const Room& room) {
  auto wire = std::make_unique<sockward_socket_filter>();
  wire->most[SOCKWARD_MANY_INET_CONNECTIONS] = room.connections;
  wire->most[SOCKWARD_MANY_INET_IDLE] = room.inet_idle;
  wire->most[SOCKWARD_MANY_OTHER_IDLE] = room.other_idle;
  if (!filter.everything) {
    wire->on = 1;
    wire->paths = filter.paths ? 1 : 0;
    wire->netlink = filter.netlink ? 1 : 0;
    std::fill(std::begin(wire->most), std::end(wire->most), std::uint64_t{0});
    wire->most[SOCKWARD_MANY_INET_CONNECTIONS] = kMatchingConnections;
    wire->most[SOCKWARD_MANY_OTHER_CONNECTIONS] = kMatchingConnections;
    for (const std::uint16_t port : filter.ports) wire->ports[port >> 6] |= __u64{1} << (port & 63);
    __u64 old = 0;
    while (bpf_map_get_next_key(iterator.names_fd, nullptr, &old) == 0)
      if (bpf_map_delete_elem(iterator.names_fd, &old) != 0) break;
    for (const std::string& text : filter.abstract_names) {
      const sockward_bound_name name = to_wire(
          {.kind = BoundName::Kind::abstract, .address = {.kind = AddressKind::abstract, .name = text}});
      const __u64 hash = sockward_name_hash(&name);
      const __u8 wanted = 1;
      wire->name_lengths[name.size >> 6 & 1] |= __u64{1} << (name.size & 63);
      if (bpf_map_update_elem(iterator.names_fd, &hash, &wanted, BPF_ANY) != 0)
        return last_error("select the sockets to look for");
    }
  }
  const __u32 slot = 0;
  if (bpf_map_update_elem(iterator.filter_fd, &slot, wire.get(), BPF_ANY) != 0)
    return last_error("select the sockets to look for");
  return true;
}

/// What the program did not write because there was no room. Error: it is not known, so the list proves
/// nothing about sockets that it lacks.
Result<bool> count_left_out(const SocketIterator& iterator, SocketList& into) {
  auto wire = std::make_unique<sockward_socket_filter>();
  const __u32 slot = 0;
  if (bpf_map_lookup_elem(iterator.filter_fd, &slot, wire.get()) != 0)
    return last_error("count the sockets that were left out");
  into.leave_out(BoundName::Kind::inet, wire->left_out[SOCKWARD_NAME_INET]);
  into.leave_out(BoundName::Kind::abstract, wire->left_out[SOCKWARD_NAME_ABSTRACT]);
  into.leave_out(BoundName::Kind::netlink, wire->left_out[SOCKWARD_NAME_NETLINK]);
  into.leave_out(BoundName::Kind::path, wire->left_out[SOCKWARD_NAME_PATH]);
  return true;
}

}  // namespace

sockward_bound_name to_wire(const BoundName& name) {
  sockward_bound_name wire{};
  wire.netns = name.netns;
  if (name.kind == BoundName::Kind::inet) {
    sockward_inet_name inet{
        .family = name.address.family, .protocol = name.protocol, .port = name.address.port};
    std::memcpy(inet.address, name.address.ip.data(), name.address.kind == AddressKind::inet ? 4 : 16);
    wire.kind = SOCKWARD_NAME_INET;
    wire.size = sizeof(inet);
    std::memcpy(wire.bytes, &inet, sizeof(inet));
  } else if (name.kind == BoundName::Kind::abstract) {
    wire.kind = SOCKWARD_NAME_ABSTRACT;
    wire.size = static_cast<__u16>(std::min(name.address.name.size(), sizeof(wire.bytes)));
    std::memcpy(wire.bytes, name.address.name.data(), wire.size);
  } else if (name.kind == BoundName::Kind::netlink) {
    const sockward_netlink_name netlink{
        .port = name.address.netlink_port, .protocol = name.protocol, .reserved = 0};
    wire.kind = SOCKWARD_NAME_NETLINK;
    wire.size = sizeof(netlink);
    std::memcpy(wire.bytes, &netlink, sizeof(netlink));
  } else {
    const sockward_file_name file{.device = kernel_device(name.device), .inode = name.inode};
    wire.kind = SOCKWARD_NAME_PATH;
    wire.size = sizeof(file);
    std::memcpy(wire.bytes, &file, sizeof(file));
  }
  return wire;
}

std::optional<BoundName> from_wire(const sockward_bound_name& wire) {
  if (wire.size > sizeof(wire.bytes)) return std::nullopt;
  BoundName name{.netns = wire.netns, .address = {}};
  switch (wire.kind) {
    case SOCKWARD_NAME_INET: {
      sockward_inet_name inet{};
      std::memcpy(&inet, wire.bytes, sizeof(inet));
      name.kind = BoundName::Kind::inet;
      name.protocol = inet.protocol;
      name.address.kind = inet.family == AF_INET ? AddressKind::inet : AddressKind::inet6;
      name.address.family = inet.family;
      name.address.port = inet.port;
      std::memcpy(name.address.ip.data(), inet.address, sizeof(inet.address));
      return name;
    }
    case SOCKWARD_NAME_ABSTRACT:
      name.kind = BoundName::Kind::abstract;
      name.address = {.kind = AddressKind::abstract,
                      .family = AF_UNIX,
                      .name = std::string(reinterpret_cast<const char*>(wire.bytes), wire.size)};
      return name;
    case SOCKWARD_NAME_NETLINK: {
      sockward_netlink_name netlink{};
      std::memcpy(&netlink, wire.bytes, sizeof(netlink));
      name.kind = BoundName::Kind::netlink;
      name.protocol = netlink.protocol;
      name.address.kind = AddressKind::other;
      name.address.family = AF_NETLINK;
      name.address.netlink_port = netlink.port;
      return name;
    }
    case SOCKWARD_NAME_PATH: {
      sockward_file_name file{};
      std::memcpy(&file, wire.bytes, sizeof(file));
      name.kind = BoundName::Kind::path;
      name.device = stat_device(file.device);
      name.inode = file.inode;
      return name;
    }
    default:
      return std::nullopt;
  }
}

std::optional<SocketOwner> look_up_binder(int map_fd, const BoundName& name) {
  const sockward_bound_name wanted = to_wire(name);
  const __u64 hash = sockward_name_hash(&wanted);
  sockward_named_binder entry{};
  if (bpf_map_lookup_elem(map_fd, &hash, &entry) != 0) return std::nullopt;
  if (std::memcmp(&entry.name, &wanted, sizeof(wanted)) != 0) return std::nullopt;
  return to_socket_owner(entry.binder);
}

std::optional<std::uint64_t> count_binders(int map_fd) {
  std::uint64_t total = 0;
  const auto read = read_table(map_fd, [&](auto entries) { total += entries.size(); });
  return read ? std::optional(total) : std::nullopt;
}

Result<bool> note_released_names(const bpf_link* iterator, int names_fd, int looked_fd) {
  std::vector<sockward_bound_name> names;
  const auto read = read_table(names_fd, [&](auto entries) {
    for (const auto& entry : entries)
      if (entry.name.kind != SOCKWARD_NAME_INET && entry.binder.released_ns == 0) names.push_back(entry.name);
  });
  if (!read) return read.error();
  for (std::size_t first = 0; first < names.size() || first == 0; first += SOCKWARD_LOOKED_NAMES) {
    const std::size_t last = std::min<std::size_t>(names.size(), first + SOCKWARD_LOOKED_NAMES);
    for (std::size_t i = first; i < last; ++i)
      if (const auto index = static_cast<__u32>(i - first);
          bpf_map_update_elem(looked_fd, &index, &names[i], BPF_ANY) != 0)
        return last_error("select the names to check");
    const sockward_bound_name end{};
    if (const auto index = static_cast<__u32>(last - first); index < SOCKWARD_LOOKED_NAMES)
      if (bpf_map_update_elem(looked_fd, &index, &end, BPF_ANY) != 0)
        return last_error("select the names to check");
    const auto looked = run_iterator(iterator, 1, "look at bound sockets", [](auto) {});
    if (!looked) return looked.error();
  }
  return true;
}

SeededNames seed_tables(const SocketIterator& iterator, int entries_fd, int names_fd, std::size_t room) {
  Seeds seeds;
  // Connections of the internet have their names from others: one is enough. Netlink ports are few.
  if (const auto set = set_filter(iterator, {}, {1, room, room + 4096}); !set)
    log_debug("{}", set.error().text());
  const auto count =
      run_iterator(iterator.link, sizeof(sockward_open_socket), "scan open sockets", [&](auto bytes) {
        sockward_open_socket entry{};
        std::memcpy(&entry, bytes.data(), sizeof(entry));
        if (may_be_bound(entry)) seeds.add(entry, room);
        if (entry.name.kind != SOCKWARD_NAME_PATH || entry.links == 0) return;
        sockward_file_name file{};
        std::memcpy(&file, entry.name.bytes, sizeof(file));
        bpf_map_update_elem(entries_fd, &entry.entry, &file, BPF_NOEXIST);
      });
  if (!count)
    log_warn("{}: cannot detect names stolen from servers started before the agent", count.error().text());
  return seeds.store(names_fd, room);
}

Result<bool> iterate_sockets(const SocketIterator& iterator, const SocketFilter& filter, SocketList& into) {
  if (const auto set =
          set_filter(iterator, filter, {into.most_connections(), into.most_idle(), into.most_idle()});
      !set)
    return set.error();
  const auto count =
      run_iterator(iterator.link, sizeof(sockward_open_socket), "scan open sockets", [&](auto bytes) {
        sockward_open_socket entry{};
        std::memcpy(&entry, bytes.data(), sizeof(entry));
        if (auto name = from_wire(entry.name)) into.add(to_open_socket(entry, std::move(*name)));
      });
  if (!count) return count.error();
  return count_left_out(iterator, into);
}

std::optional<OpenSocket> look_at_socket(const bpf_link* iterator, int asked_fd, const OpenSocket& known) {
  sockward_named_binder asked{.name = to_wire(known.name), .binder = {}};
  asked.binder.sock = known.owner.sock;
  asked.binder.socket_inode = known.owner.socket_inode;
  asked.binder.generation = known.owner.generation;
  const __u32 slot = 0;
  if (bpf_map_update_elem(asked_fd, &slot, &asked, BPF_ANY) != 0) return std::nullopt;
  std::optional<OpenSocket> found;
  const auto count =
      run_iterator(iterator, sizeof(sockward_open_socket), "look at a bound socket", [&](auto bytes) {
        sockward_open_socket entry{};
        std::memcpy(&entry, bytes.data(), sizeof(entry));
        found = to_open_socket(entry, known.name);
        const SocketTraits traits = found->owner.traits;
        found->owner = known.owner;
        found->owner.traits = traits;
        found->fd = known.fd;
      });
  asked = {};
  bpf_map_update_elem(asked_fd, &slot, &asked, BPF_ANY);
  return count ? found : std::nullopt;
}

}  // namespace sockward
