// What the decode fuzzer starts from: one record of each kind, in the wire format of today. Seeds of another
// version are refused at the header, and the fuzzer would see nothing behind it. `SOCKWARD_UPDATE_GOLDEN=1
// unit_tests` writes them.
#include <gtest/gtest.h>
#include <sockward/event.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <sstream>

#include "event/decode.hpp"

namespace sockward::test {
namespace {

const std::string kFolder = SOCKWARD_SOURCE_DIR "/tests/fuzz/corpus/decode";

template <class Call>
std::string record_of(Call call, std::uint16_t kind, std::uint8_t syscall, const std::string& data) {
  call.header.time_ns = call.header.sequence = 1;
  call.header.container_key = 7;
  call.header.leader_start_ns = 9;
  call.header.tgid = 10;
  call.header.tid = 11;
  call.header.result = -98;
  call.header.kind = kind;
  call.header.syscall = syscall;
  call.header.version = SOCKWARD_WIRE_VERSION;
  call.header.size = static_cast<std::uint16_t>(sizeof(call) + data.size());
  std::strcpy(call.header.comm, "ergo");
  std::string bytes(sizeof(call), '\0');
  std::memcpy(bytes.data(), &call, sizeof(call));
  return bytes + data;
}

std::string socket_call(std::uint8_t syscall, std::uint16_t family, const std::string& rest) {
  sockward_socket_call call{};
  const std::string address = std::string(reinterpret_cast<const char*>(&family), 2) + rest;
  const std::string directory("ergo\0run", 9);  // with the NUL at its end
  call.family = family;
  call.is_socket = 1;
  call.type = SOCK_STREAM;
  call.address_bytes = static_cast<std::uint16_t>(address.size());
  call.directory_bytes = static_cast<std::uint16_t>(directory.size());
  call.header.flags = SOCKWARD_GROUPS_KNOWN;
  call.header.groups = 1;
  call.header.groups_total = 2;
  return record_of(call, SOCKWARD_SOCKET_CALL, syscall, address + directory + std::string("\x21\0\0\0", 4));
}

std::string bind_of_a_held_name() {
  sockward_socket_call call{};
  const std::string address("\x01\0\0bus", 6);
  sockward_binder binder{};
  binder.time_ns = binder.leader_start_ns = 1;
  binder.tgid = 42;
  binder.socket_inode = 555;
  binder.sharing = SOCKWARD_HAS_OPEN;
  std::strcpy(binder.comm, "criu");
  call.family = AF_UNIX;
  call.is_socket = 1;
  call.type = SOCK_STREAM;
  call.address_bytes = static_cast<std::uint16_t>(address.size());
  call.header.flags = SOCKWARD_HOLDER_SEEN;
  return record_of(call, SOCKWARD_SOCKET_CALL, SOCKWARD_BIND,
                   address + std::string(reinterpret_cast<const char*>(&binder), sizeof(binder)));
}

std::string path_call() {
  sockward_path_call call{};
  const std::string path = "link/x", source = "/source";
  call.dirfd = -100;
  call.resolve = 4;
  call.path_bytes = static_cast<std::uint16_t>(path.size());
  call.path2_bytes = static_cast<std::uint16_t>(source.size());
  return record_of(call, SOCKWARD_PATH_CALL, SOCKWARD_MOVE_MOUNT, path + source);
}

std::string name_call() {
  sockward_name_call call{};
  std::strcpy(call.old_name, "node1");
  std::strcpy(call.new_name, "node2");
  std::memcpy(call.asked, "node2", 5);
  call.asked_length = call.asked_bytes = 5;
  call.ancestor_count = 1;
  std::strcpy(call.ancestors[0].comm, "sh");
  return record_of(call, SOCKWARD_NAME_CALL, SOCKWARD_SETHOSTNAME, "");
}

std::string long_argument() {
  sockward_long_argument call{};
  const std::string argument(120, '/');
  call.argument_bytes = static_cast<std::uint16_t>(argument.size());
  std::strcpy(call.before, "--socket");
  return record_of(call, SOCKWARD_LONG_ARGUMENT, SOCKWARD_EXECVE, argument);
}

std::string process_exit() {
  sockward_process_exit call{};
  const std::string message = "socket path too long\n";
  call.status = 1 << 8;
  call.watch = SOCKWARD_WATCH_BINDER | SOCKWARD_WATCH_MESSAGE;
  call.message_bytes = static_cast<std::uint16_t>(message.size());
  return record_of(call, SOCKWARD_PROCESS_EXIT, SOCKWARD_EXECVE, message);
}

TEST(FuzzSeeds, AreRecordsOfEachKindThatAreDecoded) {
  const std::map<std::string, std::string> seeds = {
      {"bind", socket_call(SOCKWARD_BIND, AF_UNIX, "x.sock")},
      {"bind_held", bind_of_a_held_name()},
      {"connect", socket_call(SOCKWARD_CONNECT, AF_INET, std::string("\0\x50\x7f\0\0\x01", 6))},
      {"exit", process_exit()},
      {"long_argument", long_argument()},
      {"move_mount", path_call()},
      {"name", name_call()}};
  std::set<std::size_t> kinds;
  for (const auto& [name, bytes] : seeds) {
    const std::string path = kFolder + "/" + name;
    if (std::getenv("SOCKWARD_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << bytes;
    std::ostringstream file;
    file << std::ifstream(path).rdbuf();
    EXPECT_EQ(file.str(), bytes) << path << " is of another wire format; write it again";
    const auto event = decode(std::as_bytes(std::span(bytes)));
    ASSERT_TRUE(event) << name << ": " << event.error().text();
    kinds.insert(event->call.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<decltype(Event::call)>);
  for (const auto& file : std::filesystem::directory_iterator(kFolder))
    EXPECT_TRUE(seeds.contains(file.path().filename())) << file.path() << " is of no kind that is known here";
}

}  // namespace
}  // namespace sockward::test
