#include "event/decode.hpp"

#include <netinet/in.h>
#include <sockward/event.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/device.hpp"

namespace sockward {
namespace {

using Bytes = std::span<const std::byte>;

constexpr int kLargestErrno = 4095;  // MAX_ERRNO, include/linux/err.h
constexpr int kBindPortLock = 8;     // SOCK_BINDPORT_LOCK, include/net/sock.h

Error malformed(const char* what) {
  return make_error(std::errc::bad_message, std::string("decode record: ") + what);
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::size_t N>
std::string until_nul(const char (&field)[N]) {
  return std::string(field, strnlen(field, N));
}

Actor decode_actor(const sockward_header& header) {
  return {.tgid = header.tgid,
          .tid = header.tid,
          .leader_start_ns = header.leader_start_ns,
          .uid = header.uid,
          .fsuid = header.fsuid,
          .fsgid = header.fsgid,
          .cap_effective = header.cap_effective,
          .container_key = header.container_key,
          .netns = header.netns,
          .utsns = header.utsns,
          .pidns = header.pidns,
          .mntns = header.mntns,
          .userns = header.userns,
          .root_device = stat_device(header.root_device),
          .root_inode = header.root_inode,
          .working_device = stat_device(header.working_device),
          .working_inode = header.working_inode,
          .mount_event = header.mount_event,
          .comm = until_nul(header.comm)};
}

// The groups come behind everything but the holder, and are taken off `rest`. false: they do not fit into it.
bool decode_groups(const sockward_header& header, Bytes& rest, Actor& actor) {
  if ((header.flags & SOCKWARD_GROUPS_KNOWN) == 0) return true;
  std::vector<std::uint32_t> groups(header.groups);
  const std::size_t size = groups.size() * sizeof(groups[0]);
  if (rest.size() < size) return false;
  if (size != 0) std::memcpy(groups.data(), rest.data(), size);
  rest = rest.subspan(size);
  actor.groups_truncated = header.groups_total > header.groups;
  actor.groups = std::move(groups);
  return true;
}

// The holder comes last in a record. false: it does not fit into it.
bool decode_holder(const sockward_header& header, Bytes rest, std::optional<SeenHolder>& holder) {
  if ((header.flags & SOCKWARD_HOLDER_SEEN) == 0) return true;
  sockward_binder binder{};
  if (rest.size() < sizeof(binder)) return false;
  std::memcpy(&binder, rest.data(), sizeof(binder));
  holder = {.binder = to_socket_owner(binder), .has_open = (binder.sharing & SOCKWARD_HAS_OPEN) != 0};
  return true;
}

// The own address of the socket of a connect. Family 0: it has none.
SocketAddress decode_source(const sockward_socket_call& wire) {
  std::uint16_t family = 0;
  std::memcpy(&family, wire.source, sizeof(family));
  if (family == 0) return {};
  const std::size_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  return parse_socket_address(
      {.bytes = {reinterpret_cast<const char*>(wire.source), std::min(size, sizeof(wire.source))}});
}

// Components come leaf first, each ended by NUL.
Directory decode_directory(std::string_view components, std::uint32_t flags, bool relative) {
  using State = Directory::State;
  if (!relative) return {};
  if ((flags & SOCKWARD_DIR_UNKNOWN) != 0) return {State::unknown, {}};
  if ((flags & SOCKWARD_DIR_CLIPPED) != 0) return {State::clipped, {}};
  if ((flags & SOCKWARD_DIR_UNREACHABLE) != 0) return {State::unreachable, {}};
  std::string path;
  while (!components.empty()) {
    const std::size_t end = components.find('\0');
    path.insert(0, components.substr(0, end)).insert(0, 1, '/');
    components.remove_prefix(end == std::string_view::npos ? components.size() : end + 1);
  }
  return {State::known, path.empty() ? "/" : path};
}

bool is_relative(const SocketAddress& address) {
  return address.kind == AddressKind::path && address.name.front() != '/';
}

SocketCall::AddressState decode_address_state(std::uint32_t state) {
  using State = SocketCall::AddressState;
  static_assert(static_cast<int>(State::family_off) == SOCKWARD_ADDRESS_FAMILY_OFF);
  return state > SOCKWARD_ADDRESS_FAMILY_OFF ? State::unknown : static_cast<State>(state);
}

std::optional<ConnectEnd> decode_end(const sockward_socket_call& wire) {
  static_assert(kConnectOutcomes == SOCKWARD_OUTCOMES &&
                static_cast<int>(ConnectOutcome::given_up) == SOCKWARD_OUTCOME_GIVEN_UP);
  if (wire.outcome == SOCKWARD_OUTCOME_NONE || wire.outcome >= SOCKWARD_OUTCOMES) return std::nullopt;
  constexpr std::uint64_t kLongest = 1ULL << 62;  // ns; more is no time
  return ConnectEnd{.outcome = static_cast<ConnectOutcome>(wire.outcome),
                    .elapsed = std::chrono::nanoseconds(std::min<std::uint64_t>(wire.elapsed_ns, kLongest)),
                    .syns = wire.syns,
                    .answered = wire.answered != 0};
}

Result<Event> decode_socket_call(Bytes record, Event event, const sockward_header& header) {
  const std::uint32_t flags = header.flags;
  sockward_socket_call wire{};
  if (record.size() < sizeof(wire)) return malformed("socket call is cut short");
  std::memcpy(&wire, record.data(), sizeof(wire));
  const Bytes data = record.subspan(sizeof(wire));
  if (data.size() < std::size_t{wire.address_bytes} + wire.directory_bytes)
    return malformed("address is longer than the record");
  Bytes rest = data.subspan(std::size_t{wire.address_bytes} + wire.directory_bytes);
  if (!decode_groups(header, rest, event.actor)) return malformed("groups are longer than the record");
  std::optional<SeenHolder> holder;
  if (!decode_holder(header, rest, holder)) return malformed("holder is longer than the record");
  SocketCall call{.fd = wire.fd,
                  .address = parse_socket_address({.bytes = text_of(data.first(wire.address_bytes)),
                                                   .fault = (flags & SOCKWARD_ADDRESS_FAULT) != 0,
                                                   .clipped = (flags & SOCKWARD_ADDRESS_CLIPPED) != 0}),
                  .kernel_copy = (flags & SOCKWARD_ADDRESS_KERNEL) != 0,
                  .of_peer = (flags & SOCKWARD_ADDRESS_OF_PEER) != 0,
                  .peer_queue_full = (flags & SOCKWARD_PEER_QUEUE_FULL) != 0,
                  .send_buffer_full = (flags & SOCKWARD_SEND_BUFFER_FULL) != 0,
                  .is_socket = wire.is_socket != 0,
                  .family = wire.family,
                  .type = wire.type,
                  .protocol = wire.protocol,
                  .port_start = wire.port_start,
                  .socket_netns = wire.socket_netns,
                  .owner_userns = wire.owner_userns,
                  .bound_port = wire.bound_port,
                  .bound_device = wire.bound_device,
                  .v6only = (wire.sharing & SOCKWARD_V6ONLY) != 0,
                  .reuseport = (wire.sharing & SOCKWARD_REUSEPORT) != 0,
                  .reuseaddr = (wire.sharing & SOCKWARD_REUSEADDR) != 0,
                  .replaced = {},
                  .socket_uid = wire.socket_uid,
                  .own_port_low = wire.own_port_low,
                  .own_port_high = wire.own_port_high,
                  .port_low = wire.port_low,
                  .port_high = wire.port_high,
                  .state = wire.state,
                  .port_chosen = (wire.locks & kBindPortLock) != 0,
                  .source = decode_source(wire),
                  .address_state = decode_address_state(wire.address_state),
                  .end = decode_end(wire),
                  .holder = std::move(holder)};
  if (call.of_peer && wire.address_bytes == 0 && (flags & SOCKWARD_ADDRESS_FAULT) == 0)
    call.address = {.kind = AddressKind::unnamed, .family = AF_UNIX, .name = {}};  // a socketpair
  if ((flags & SOCKWARD_NAME_REPLACED) != 0)
    call.replaced = FileId{stat_device(wire.replaced_device), wire.replaced_inode};
  (event.syscall == Syscall::listen ? call.backlog : call.address_length) = wire.address_length;
  // A peer's own name began where the peer was, not where the caller is.
  const std::uint32_t unknown = call.of_peer ? SOCKWARD_DIR_UNKNOWN : 0;
  call.directory = decode_directory(text_of(data.subspan(wire.address_bytes, wire.directory_bytes)),
                                    flags | unknown, is_relative(call.address));
  event.call = std::move(call);
  return event;
}

Result<Event> decode_path_call(Bytes record, Event event, const sockward_header& header) {
  const std::uint32_t flags = header.flags;
  sockward_path_call wire{};
  if (record.size() < sizeof(wire)) return malformed("path call is cut short");
  std::memcpy(&wire, record.data(), sizeof(wire));
  const Bytes data = record.subspan(sizeof(wire));
  const std::size_t paths = std::size_t{wire.path_bytes} + wire.path2_bytes;
  if (data.size() < paths + wire.directory_bytes) return malformed("paths are longer than the record");
  Bytes rest = data.subspan(paths + wire.directory_bytes);
  if (!decode_groups(header, rest, event.actor)) return malformed("groups are longer than the record");
  PathCall call{.dirfd = wire.dirfd,
                .flags = wire.call_flags,
                .resolve = wire.resolve,
                .arguments_readable = (flags & SOCKWARD_ARGUMENT_FAULT) == 0,
                .truncated = (flags & (SOCKWARD_PATH_CLIPPED | SOCKWARD_PATH2_CLIPPED)) != 0};
  if ((flags & SOCKWARD_PATH_FAULT) == 0) call.path = text_of(data.first(wire.path_bytes));
  const bool has_source = event.syscall == Syscall::mount || event.syscall == Syscall::move_mount;
  if (has_source && (flags & SOCKWARD_PATH2_FAULT) == 0)
    call.source = text_of(data.subspan(wire.path_bytes, wire.path2_bytes));
  const bool relative = call.path && (call.path->empty() || call.path->front() != '/');
  call.directory = decode_directory(text_of(data.subspan(paths, wire.directory_bytes)), flags, relative);
  event.call = std::move(call);
  return event;
}

Result<Event> decode_name_call(Bytes record, Event event, std::uint32_t flags) {
  sockward_name_call wire{};
  if (record.size() < sizeof(wire)) return malformed("name call is cut short");
  std::memcpy(&wire, record.data(), sizeof(wire));
  if (wire.asked_bytes > sizeof(wire.asked)) return malformed("name is longer than its field");
  NameCall call{.domain = wire.domain != 0,
                .asked_length = wire.asked_length,
                .file_position = wire.file_position,
                .asked_clipped = (flags & SOCKWARD_NAME_CLIPPED) != 0,
                .old_name = until_nul(wire.old_name),
                .new_name = until_nul(wire.new_name),
                .old_at_exit = (flags & SOCKWARD_OLD_NAME_AT_EXIT) != 0,
                .owner_userns = wire.owner_userns,
                .first = (flags & SOCKWARD_FIRST_NAME) != 0};
  if ((flags & SOCKWARD_NAME_FAULT) == 0)
    call.asked = std::string(reinterpret_cast<const char*>(wire.asked), wire.asked_bytes);
  for (std::uint32_t i = 0; i < wire.ancestor_count && i < SOCKWARD_ANCESTORS_MAX; ++i)
    call.ancestors.push_back({wire.ancestors[i].tgid, until_nul(wire.ancestors[i].comm)});
  event.call = std::move(call);
  return event;
}

Result<Event> decode_argument(Bytes record, Event event) {
  sockward_long_argument wire{};
  if (record.size() < sizeof(wire)) return malformed("argument is cut short");
  std::memcpy(&wire, record.data(), sizeof(wire));
  const Bytes data = record.subspan(sizeof(wire));
  if (data.size() < wire.argument_bytes) return malformed("argument is longer than the record");
  event.call = LongArgument{.index = wire.index,
                            .text = std::string(text_of(data.first(wire.argument_bytes))),
                            .clipped = wire.clipped != 0,
                            .before = until_nul(wire.before)};
  return event;
}

Result<Event> decode_exit(Bytes record, Event event) {
  sockward_process_exit wire{};
  if (record.size() < sizeof(wire)) return malformed("exit is cut short");
  std::memcpy(&wire, record.data(), sizeof(wire));
  const Bytes data = record.subspan(sizeof(wire));
  if (data.size() < wire.message_bytes) return malformed("message is longer than the record");
  event.call = ProcessExit{.status = wire.status,
                           .binder = (wire.watch & SOCKWARD_WATCH_BINDER) != 0,
                           .had_argument = (wire.watch & SOCKWARD_WATCH_ARGUMENT) != 0,
                           .message = std::string(text_of(data.first(wire.message_bytes)))};
  return event;
}

bool is_of_process(std::uint16_t kind) {
  return kind == SOCKWARD_LONG_ARGUMENT || kind == SOCKWARD_PROCESS_EXIT;
}

}  // namespace

Result<Event> decode(std::span<const std::byte> record) {
  sockward_header header{};
  if (record.size() < sizeof(header)) return malformed("header is cut short");
  std::memcpy(&header, record.data(), sizeof(header));
  if (header.version != SOCKWARD_WIRE_VERSION) return malformed("unknown version");
  if (header.size > record.size()) return malformed("size is larger than the record");
  if (is_of_process(header.kind) ? header.syscall != SOCKWARD_EXECVE : header.syscall >= SOCKWARD_SYSCALLS)
    return malformed("unknown call");
  if (header.via > SOCKWARD_VIA_COMPAT) return malformed("unknown route");
  if (header.result < -kLargestErrno) return malformed("a result that no call returns");
  Event event{.time = {header.time_ns},
              .sequence = header.sequence,
              .cpu = header.cpu,
              .probe = header.probe,
              .actor = decode_actor(header),
              .syscall = static_cast<Syscall>(header.syscall),
              .via = static_cast<Via>(header.via),
              .result = header.result,
              .suppressed = header.suppressed,
              .seccomp_refused = (header.flags & SOCKWARD_SECCOMP_REFUSED) != 0,
              .lsm_refused = (header.flags & SOCKWARD_LSM_REFUSED) != 0,
              .cgroup_refused = (header.flags & SOCKWARD_CGROUP_REFUSED) != 0,
              .kernel_answered = (header.flags & SOCKWARD_KERNEL_ANSWERED) != 0,
              .call = {}};
  const Bytes body = record.first(header.size < sizeof(header) ? sizeof(header) : header.size);
  switch (header.kind) {
    case SOCKWARD_SOCKET_CALL:
      return decode_socket_call(body, std::move(event), header);
    case SOCKWARD_PATH_CALL:
      return decode_path_call(body, std::move(event), header);
    case SOCKWARD_NAME_CALL:
      return decode_name_call(body, std::move(event), header.flags);
    case SOCKWARD_LONG_ARGUMENT:
      return decode_argument(body, std::move(event));
    case SOCKWARD_PROCESS_EXIT:
      return decode_exit(body, std::move(event));
    default:
      return malformed("unknown kind");
  }
}

}  // namespace sockward
