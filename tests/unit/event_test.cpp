#include <gtest/gtest.h>
#include <sockward/event.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include <cstring>
#include <limits>
#include <random>

#include "event/decode.hpp"

namespace sockward {
namespace {

std::string sockaddr_of(std::uint16_t family, const std::string& rest) {
  return std::string(reinterpret_cast<const char*>(&family), 2) + rest;
}

struct AddressCase {
  std::string bytes;
  AddressKind kind;
  std::string text;
  bool exact, truncated;
};

TEST(SocketAddresses, HaveTheTextOfTheContract) {
  const AddressCase cases[] = {
      {sockaddr_of(AF_UNIX, "/run/x.sock"), AddressKind::path, "unix:/run/x.sock", true, false},
      {sockaddr_of(AF_UNIX, std::string("/run/x\0garbage", 14)), AddressKind::path, "unix:/run/x", true,
       false},
      {sockaddr_of(AF_UNIX, "rel.sock"), AddressKind::path, "unix:rel.sock", true, false},
      {sockaddr_of(AF_UNIX, "@foo"), AddressKind::path, "unix:./@foo", false, false},
      {sockaddr_of(AF_UNIX, std::string("\0foo", 4)), AddressKind::abstract, "unix:@foo", true, false},
      {sockaddr_of(AF_UNIX, std::string("\0foo\0", 5)), AddressKind::abstract, "unix:@foo\\x00", false,
       false},
      {sockaddr_of(AF_UNIX, std::string("\0", 1)), AddressKind::abstract, "unix:@", true, false},
      {sockaddr_of(AF_UNIX, "/a\xff"), AddressKind::path, "unix:/a\\xff", false, false},
      {sockaddr_of(AF_UNIX, ""), AddressKind::unnamed, "unix:", true, false},
      {sockaddr_of(AF_INET, std::string("\0\x50\x7f\0\0\x01", 6) + std::string(8, '\0')), AddressKind::inet,
       "127.0.0.1:80", true, false},
      {sockaddr_of(AF_INET, std::string("\0\x50\x7f\0\0\x01", 6)), AddressKind::inet, "127.0.0.1:80", true,
       true},
      {sockaddr_of(AF_INET, std::string("\0\x50", 2)), AddressKind::other, "family:AF_INET", true, true},
      {sockaddr_of(AF_INET6,
                   std::string("\0\x50\0\0\0\0", 6) + std::string(15, '\0') + "\x01" + std::string(4, '\0')),
       AddressKind::inet6, "[::1]:80", true, false},
      {sockaddr_of(AF_INET6, std::string("\0\x50\0\0\0\0\xfe\x80", 8) + std::string(13, '\0') + "\x01" +
                                 std::string("\x02\0\0\0", 4)),
       AddressKind::inet6, "[fe80::1%2]:80", true, false},
      {sockaddr_of(AF_INET6, std::string("\0\x50\0\0\0\0\xfe\x80", 8) + std::string(13, '\0') + "\x01"),
       AddressKind::inet6, "[fe80::1]:80", true, false},
      {sockaddr_of(AF_NETLINK, "xx"), AddressKind::other, "family:AF_NETLINK", true, false},
      {sockaddr_of(AF_NETLINK, std::string("\0\0\0\0\0\0\0\0\0\0", 10)), AddressKind::other,
       "family:AF_NETLINK", true, false},
      {sockaddr_of(AF_NETLINK, std::string("\0\0\x09\x03\0\0\0\0\0\0", 10)), AddressKind::other,
       "family:AF_NETLINK:777", true, false},
      {sockaddr_of(999, ""), AddressKind::other, "family:AF_999", true, false},
      {"\x01", AddressKind::other, "family:AF_UNSPEC", true, true},
      {"", AddressKind::other, "family:AF_UNSPEC", true, true}};
  for (const auto& c : cases) {
    const SocketAddress address = parse_socket_address({.bytes = c.bytes});
    EXPECT_EQ(address.kind, c.kind) << c.text;
    const auto text = address_text(address);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text, c.text);
    EXPECT_EQ(text->exact, c.exact) << c.text;
    EXPECT_EQ(address.truncated, c.truncated) << c.text;
  }
}

TEST(SocketAddresses, AnUnreadableOneHasNoText) {
  const SocketAddress address = parse_socket_address({.bytes = "", .fault = true});
  EXPECT_EQ(address.kind, AddressKind::unreadable);
  EXPECT_FALSE(address_text(address));
}

TEST(SocketAddresses, AClippedOneSaysSo) {
  EXPECT_TRUE(parse_socket_address({.bytes = sockaddr_of(AF_UNIX, "/long"), .clipped = true}).truncated);
}

sockward_header header_of(std::uint16_t kind, std::uint8_t syscall, std::size_t size) {
  sockward_header header{};
  header.tgid = 10;
  header.tid = 11;
  header.result = -98;
  header.kind = kind;
  header.size = static_cast<__u16>(size);
  header.syscall = syscall;
  header.version = SOCKWARD_WIRE_VERSION;
  std::memcpy(header.comm, "0123456789abcdef", 16);  // no NUL at all
  return header;
}

template <class Call>
std::vector<std::byte> record_of(const Call& call, const std::string& data) {
  std::vector<std::byte> bytes(sizeof(call) + data.size());
  std::memcpy(bytes.data(), &call, sizeof(call));
  std::memcpy(bytes.data() + sizeof(call), data.data(), data.size());
  return bytes;
}

std::vector<std::byte> bind_record(const std::string& address, const std::string& directory,
                                   std::uint32_t flags = 0) {
  sockward_socket_call call{};
  call.header =
      header_of(SOCKWARD_SOCKET_CALL, SOCKWARD_BIND, sizeof(call) + address.size() + directory.size());
  call.header.flags = flags;
  call.address_bytes = static_cast<__u16>(address.size());
  call.directory_bytes = static_cast<__u16>(directory.size());
  call.address_length = 110;
  return record_of(call, address + directory);
}

TEST(Decoder, ResolvesARelativeNameAgainstTheDirectory) {
  const auto event = decode(bind_record(sockaddr_of(AF_UNIX, "x.sock"), std::string("ergo\0run\0", 9)));
  ASSERT_TRUE(event);
  EXPECT_EQ(resolved_path(*event), "/run/ergo/x.sock");
  EXPECT_EQ(event->actor.comm, "0123456789abcdef");
  EXPECT_EQ(event->error(), 98);
  EXPECT_EQ(std::get<SocketCall>(event->call).address_length, 110);
}

TEST(Decoder, KnowsTheRootDirectoryAndAbsoluteNames) {
  EXPECT_EQ(resolved_path(*decode(bind_record(sockaddr_of(AF_UNIX, "x"), ""))), "/x");
  EXPECT_EQ(resolved_path(*decode(bind_record(sockaddr_of(AF_UNIX, "/a/b"), ""))), "/a/b");
}

TEST(Decoder, TellsWhatTheKernelSawOfASend) {
  auto event =
      decode(bind_record(sockaddr_of(AF_UNIX, "/a/b"), "",
                         SOCKWARD_ADDRESS_OF_PEER | SOCKWARD_ADDRESS_KERNEL | SOCKWARD_PEER_QUEUE_FULL));
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::get<SocketCall>(event->call).of_peer);
  EXPECT_TRUE(std::get<SocketCall>(event->call).peer_queue_full);
  EXPECT_FALSE(std::get<SocketCall>(event->call).send_buffer_full);
  EXPECT_EQ(resolved_path(*event), "/a/b");
  event = decode(bind_record(sockaddr_of(AF_UNIX, "b"), std::string("run\0", 4), SOCKWARD_ADDRESS_OF_PEER));
  EXPECT_FALSE(resolved_path(*event)) << "the peer's directory is not the caller's";
  event = decode(bind_record("", "", SOCKWARD_ADDRESS_OF_PEER));
  EXPECT_EQ(std::get<SocketCall>(event->call).address.kind, AddressKind::unnamed);
  event = decode(bind_record("", "", SOCKWARD_ADDRESS_OF_PEER | SOCKWARD_ADDRESS_FAULT));
  EXPECT_EQ(std::get<SocketCall>(event->call).address.kind, AddressKind::unreadable);
  event = decode(bind_record(sockaddr_of(AF_UNIX, "b"), "", SOCKWARD_SEND_BUFFER_FULL));
  EXPECT_FALSE(std::get<SocketCall>(event->call).of_peer);
  EXPECT_TRUE(std::get<SocketCall>(event->call).send_buffer_full);
}

TEST(Decoder, DoesNotGuessADirectoryItDoesNotKnow) {
  for (const auto flag : {SOCKWARD_DIR_CLIPPED, SOCKWARD_DIR_UNREACHABLE, SOCKWARD_DIR_UNKNOWN}) {
    const auto event = decode(
        bind_record(sockaddr_of(AF_UNIX, "x"), std::string("run\0", 4), static_cast<std::uint32_t>(flag)));
    ASSERT_TRUE(event);
    EXPECT_FALSE(resolved_path(*event));
  }
}

/// A bind call that was refused, with these groups of so many.
std::vector<std::byte> with_groups(const std::vector<std::uint32_t>& groups, std::uint16_t total) {
  sockward_socket_call call{};
  const std::string address = sockaddr_of(AF_UNIX, "x.sock"), directory("run\0", 4);
  const std::string tail(reinterpret_cast<const char*>(groups.data()), groups.size() * 4);
  const std::string data = address + directory + tail;
  call.header = header_of(SOCKWARD_SOCKET_CALL, SOCKWARD_BIND, sizeof(call) + data.size());
  call.header.flags = SOCKWARD_GROUPS_KNOWN;
  call.header.groups = static_cast<__u16>(groups.size());
  call.header.groups_total = total;
  call.address_bytes = static_cast<__u16>(address.size());
  call.directory_bytes = static_cast<__u16>(directory.size());
  return record_of(call, data);
}

TEST(Decoder, TheHolderComesLastBehindTheGroups) {
  sockward_binder binder{};
  binder.time_ns = 900;
  binder.tgid = 42;
  binder.pidns = 7;
  binder.socket_inode = 555;
  binder.fd = 3;
  binder.sharing = SOCKWARD_HAS_OPEN;
  std::memcpy(binder.comm, "criu", 5);
  auto bytes = with_groups({5, 6, 7}, 3);
  sockward_header header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  const auto* begin = reinterpret_cast<const std::byte*>(&binder);
  bytes.insert(bytes.end(), begin, begin + sizeof(binder));
  header.size = static_cast<__u16>(bytes.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_FALSE(std::get<SocketCall>(decode(bytes)->call).holder) << "nothing says that it is there";
  header.flags |= SOCKWARD_HOLDER_SEEN;
  std::memcpy(bytes.data(), &header, sizeof(header));
  const auto event = decode(bytes);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.groups, (std::vector<std::uint32_t>{5, 6, 7}));
  const SocketOwner owner{.process = {.tgid = 42, .pidns = 7, .comm = "criu"},
                          .socket_inode = 555,
                          .fd = 3,
                          .binding = {.time = {900}}};
  EXPECT_EQ(std::get<SocketCall>(event->call).holder, (SeenHolder{.binder = owner, .has_open = true}));
  header.size -= 1;
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_FALSE(decode(bytes)) << "cut short";
}

TEST(Decoder, GroupsComeBehindEverythingElse) {
  const auto event = decode(with_groups({5, 6, 7}, 3));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.groups, (std::vector<std::uint32_t>{5, 6, 7}));
  EXPECT_FALSE(event->actor.groups_truncated);
  EXPECT_EQ(resolved_path(*event), "/run/x.sock");
  EXPECT_TRUE(decode(with_groups({5, 6, 7}, 100))->actor.groups_truncated);
  EXPECT_EQ(decode(with_groups({}, 0))->actor.groups, std::vector<std::uint32_t>{}) << "known to be none";
  EXPECT_EQ(decode(bind_record(sockaddr_of(AF_UNIX, "/x"), ""))->actor.groups, std::nullopt);
  auto bytes = with_groups({5, 6, 7}, 3);
  sockward_header header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.groups = 4;
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_FALSE(decode(bytes)) << "more than there are";
}

TEST(Decoder, ReadsWhatOnlyTheKernelKnows) {
  sockward_socket_call call{};
  call.header = header_of(SOCKWARD_SOCKET_CALL, SOCKWARD_CONNECT, sizeof(call));
  call.header.fsgid = 12;
  call.header.working_device = 8 << 20 | 1;
  call.header.working_inode = 99;
  call.header.mount_event = 1234;
  call.socket_uid = 33;
  call.own_port_low = 1;
  call.own_port_high = 2;
  call.port_low = 3;
  call.port_high = 4;
  call.state = 7;
  call.locks = 4 | 8;
  std::memcpy(call.source, std::string("\x02\0\0\x50\x7f\0\0\x01", 8).data(), 8);
  auto event = decode(record_of(call, ""));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->actor.fsgid, 12u);
  EXPECT_EQ(event->actor.working_device, makedev(8, 1));
  EXPECT_EQ(event->actor.working_inode, 99u);
  EXPECT_EQ(event->actor.mount_event, 1234u);
  const auto& read = std::get<SocketCall>(event->call);
  EXPECT_EQ(read.socket_uid, 33u);
  EXPECT_EQ(read.own_port_low, 1);
  EXPECT_EQ(read.own_port_high, 2);
  EXPECT_EQ(read.port_low, 3);
  EXPECT_EQ(read.port_high, 4);
  EXPECT_EQ(read.state, 7);
  EXPECT_TRUE(read.port_chosen);
  EXPECT_EQ(address_text(read.source)->text, "127.0.0.1:80");
  call.source[0] = 0;
  call.locks = 4;
  event = decode(record_of(call, ""));
  EXPECT_EQ(std::get<SocketCall>(event->call).source.kind, AddressKind::unreadable);
  EXPECT_FALSE(std::get<SocketCall>(event->call).port_chosen);
}

TEST(Decoder, TellsAnUnreadablePathFromAnEmptyOne) {
  sockward_path_call call{};
  call.header = header_of(SOCKWARD_PATH_CALL, SOCKWARD_UNLINK, sizeof(call));
  EXPECT_EQ(std::get<PathCall>(decode(record_of(call, ""))->call).path, "");
  call.header.flags = SOCKWARD_PATH_FAULT;
  EXPECT_EQ(std::get<PathCall>(decode(record_of(call, ""))->call).path, std::nullopt);
}

TEST(Decoder, RefusesWhatContradictsItself) {
  auto good = bind_record(sockaddr_of(AF_UNIX, "/x"), "");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode(std::span(good).first(size))) << size << " bytes";
  sockward_header wrong = header_of(SOCKWARD_SOCKET_CALL, SOCKWARD_BIND, 0);
  const auto refused = [&](const sockward_header& header) {
    auto bytes = good;
    std::memcpy(bytes.data(), &header, sizeof(header));
    return !decode(bytes);
  };
  wrong.size = static_cast<__u16>(good.size());
  EXPECT_FALSE(refused(wrong));
  sockward_header changed = wrong;
  changed.version = 99;
  EXPECT_TRUE(refused(changed));
  changed = wrong;
  changed.kind = 9;
  EXPECT_TRUE(refused(changed));
  changed = wrong;
  changed.syscall = SOCKWARD_SYSCALLS;
  EXPECT_TRUE(refused(changed));
  changed = wrong;
  changed.result = std::numeric_limits<int>::min();  // found by fuzzing: it has no negation
  EXPECT_TRUE(refused(changed));
  changed.result = -4095;
  EXPECT_FALSE(refused(changed));
  changed = wrong;
  changed.via = 9;
  EXPECT_TRUE(refused(changed));
}

TEST(Decoder, SurvivesAnyBytes) {
  std::mt19937 random(1);
  auto record = bind_record(sockaddr_of(AF_UNIX, "/some/path"), "dir");
  for (int round = 0; round < 200'000; ++round) {
    auto bytes = record;
    for (int change = 0; change < 3; ++change)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    bytes.resize(random() % (bytes.size() + 1));
    if (const auto event = decode(bytes)) (void)resolved_path(*event);
  }
}

}  // namespace
}  // namespace sockward
