// Sends of AF_UNIX datagram sockets: each call, each failure, and what is none of them.
#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <fstream>

#include "bpf/calls.hpp"

namespace sockward::test {
namespace {

/// What each of the calls is handed; `to`: a sockaddr, empty: none. Returns the errno, 0: sent.
int send_by(Syscall call, int fd, std::string to, std::size_t bytes = 1) {
  std::string text(bytes, 'x');
  iovec part{text.data(), text.size()};
  mmsghdr message{};
  message.msg_hdr = {.msg_name = to.empty() ? nullptr : to.data(),
                     .msg_namelen = static_cast<socklen_t>(to.size()),
                     .msg_iov = &part,
                     .msg_iovlen = 1,
                     .msg_control = nullptr,
                     .msg_controllen = 0,
                     .msg_flags = 0};
  long result = 0;
  if (call == Syscall::sendto)
    result = syscall(SYS_sendto, fd, text.data(), text.size(), MSG_DONTWAIT, message.msg_hdr.msg_name,
                     message.msg_hdr.msg_namelen);
  else if (call == Syscall::sendmsg)
    result = syscall(SYS_sendmsg, fd, &message.msg_hdr, MSG_DONTWAIT);
  else
    result = syscall(SYS_sendmmsg, fd, &message, 1, MSG_DONTWAIT);
  return result < 0 ? errno : 0;
}

constexpr std::array kCalls{Syscall::sendto, Syscall::sendmsg, Syscall::sendmmsg};

std::string name_bytes(const std::string& path) {
  return sockaddr_un_bytes(path + '\0');
}

class Sends : public Processes {
 protected:
  bool covered(const std::string& operation, const std::string& route) {
    const auto coverage = kernel->probes().coverage();
    return std::any_of(coverage.begin(), coverage.end(), [&](const auto& one) {
      return one.operation == operation && one.route == route && one.seen;
    });
  }
  bool by_tracepoints() {
    const auto probes = kernel->probes().probes();
    return std::any_of(probes.begin(), probes.end(), [](const ProbeStatus& probe) {
      return probe.operation == "send" && probe.backend == Backend::tracepoint;
    });
  }
  std::optional<Event> failed(Syscall call, int error, const std::string& name) {
    return event_of(call, my_tid(), [&](const Event& event) {
      return event.error() == error && std::get<SocketCall>(event.call).address.name == name;
    });
  }
  /// Each of the calls fails so, and is told with what it was given.
  void expect_each(const std::string& path, int error) {
    for (const Syscall call : kCalls) {
      const int fd = unix_socket(SOCK_DGRAM);
      EXPECT_EQ(send_by(call, fd, name_bytes(path)), error) << to_string(call);
      const auto event = failed(call, error, path);
      ASSERT_TRUE(event) << to_string(call) << " " << path;
      const auto& sent = std::get<SocketCall>(event->call);
      EXPECT_EQ(sent.fd, fd);
      EXPECT_EQ(sent.type, SOCK_DGRAM);
      EXPECT_EQ(sent.family, AF_UNIX);
      EXPECT_EQ(sent.address_length, static_cast<int>(path.size()) + 3);
      EXPECT_EQ(sent.kernel_copy, !by_tracepoints());
      EXPECT_FALSE(sent.of_peer);
      EXPECT_EQ(resolved_path(*event), path);
      EXPECT_EQ(event->via, Via::syscall);
      close(fd);
    }
  }
  Folder folder;
};

TEST_F(Sends, WhatIsNotThereIsToldOfEachCall) {
  expect_each(folder / "missing", ENOENT);
  close(open((folder / "file").c_str(), O_CREAT | O_CLOEXEC, 0600));
  expect_each(folder / "file/below", ENOTDIR);
  expect_each(folder / "file", ECONNREFUSED);
  const int gone = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(raw_bind(gone, name_bytes(folder / "stale")), 0);
  close(gone);
  expect_each(folder / "stale", ECONNREFUSED);
  const int stream = bind_path(folder / "stream");
  expect_each(folder / "stream", EPROTOTYPE);
  close(stream);
}

TEST_F(Sends, AnAbstractNameAndARelativePathAreTold) {
  const int fd = unix_socket(SOCK_DGRAM);
  const std::string name = "sockward-nobody-" + std::to_string(getpid());
  EXPECT_EQ(send_by(Syscall::sendmsg, fd, sockaddr_un_bytes('\0' + name)), ECONNREFUSED);
  const auto abstract = failed(Syscall::sendmsg, ECONNREFUSED, name);
  ASSERT_TRUE(abstract);
  EXPECT_EQ(std::get<SocketCall>(abstract->call).address.kind, AddressKind::abstract);
  EXPECT_EQ(send_by(Syscall::sendto, fd, name_bytes("sockward-relative")), ENOENT);
  const auto relative = failed(Syscall::sendto, ENOENT, "sockward-relative");
  ASSERT_TRUE(relative);
  EXPECT_EQ(resolved_path(*relative), std::filesystem::current_path() / "sockward-relative");
  close(fd);
}

TEST_F(Sends, WhoMayNotIsTold) {
  const int server = unix_socket(SOCK_DGRAM), other = unix_socket(SOCK_DGRAM);
  const std::string path = folder / "server";
  ASSERT_EQ(raw_bind(server, name_bytes(path)), 0);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  const std::uint32_t child = in_child([&] {
    return setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
           send_by(Syscall::sendmsg, unix_socket(SOCK_DGRAM), name_bytes(path)) == EACCES;
  });
  ASSERT_NE(child, 0u);
  const auto denied = event_with<SocketCall>(child);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->syscall, Syscall::sendmsg);
  EXPECT_EQ(denied->error(), EACCES);
  EXPECT_EQ(std::get<SocketCall>(denied->call).address.name, path);
  // A receiver that is connected takes datagrams from that peer only.
  ASSERT_EQ(raw_bind(other, name_bytes(folder / "other")), 0);
  ASSERT_EQ(raw_connect(server, name_bytes(folder / "other")), 0);
  expect_each(path, EPERM);
  close(server);
  close(other);
}

TEST_F(Sends, AQueueThatIsFullAndABufferThatIsFullAreTold) {
  const int server = unix_socket(SOCK_DGRAM), second = unix_socket(SOCK_DGRAM);
  const std::string path = folder / "server";
  ASSERT_EQ(raw_bind(server, name_bytes(path)), 0);
  const int fd = unix_socket(SOCK_DGRAM);
  int error = 0;
  for (int sent = 0; sent < 10'000 && error == 0; ++sent)
    error = send_by(Syscall::sendto, fd, name_bytes(path));
  ASSERT_EQ(error, EAGAIN);
  const auto full = failed(Syscall::sendto, EAGAIN, path);
  ASSERT_TRUE(full);
  // A limit of a thousand datagrams and more is never reached: they fill the sender's buffer before.
  std::ifstream limit("/proc/sys/net/unix/max_dgram_qlen");
  int most = 0;
  limit >> most;
  if (most < 100) {
    EXPECT_FALSE(std::get<SocketCall>(full->call).send_buffer_full);
  }
  // A second server has room, and the buffer has none.
  const int small = 4096;
  ASSERT_EQ(raw_bind(second, name_bytes(folder / "second")), 0);
  const int sender = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
  error = 0;
  for (int sent = 0; sent < 10 && error == 0; ++sent)
    error = send_by(Syscall::sendmsg, sender, name_bytes(folder / "second"), 4000);
  ASSERT_EQ(error, EAGAIN);
  const auto own = failed(Syscall::sendmsg, EAGAIN, folder / "second");
  ASSERT_TRUE(own);
  EXPECT_TRUE(std::get<SocketCall>(own->call).send_buffer_full);
  EXPECT_FALSE(std::get<SocketCall>(own->call).peer_queue_full);
  for (const int one : {server, second, fd, sender}) close(one);
}

TEST_F(Sends, WithoutAnAddressThePeerIsNamed) {
  const int server = unix_socket(SOCK_DGRAM), fd = unix_socket(SOCK_DGRAM);
  const std::string path = folder / "server";
  ASSERT_EQ(raw_bind(server, name_bytes(path)), 0);
  ASSERT_EQ(raw_connect(fd, name_bytes(path)), 0);
  int error = 0;
  for (int sent = 0; sent < 10'000 && error == 0; ++sent) error = send_by(Syscall::sendto, fd, "");
  ASSERT_EQ(error, EAGAIN);
  const auto full = failed(Syscall::sendto, EAGAIN, path);
  ASSERT_TRUE(full);
  const auto& call = std::get<SocketCall>(full->call);
  EXPECT_TRUE(call.of_peer);
  EXPECT_TRUE(call.kernel_copy);
  EXPECT_TRUE(call.peer_queue_full || call.send_buffer_full);
  close(server);
  EXPECT_EQ(send_by(Syscall::sendmsg, fd, ""), ECONNREFUSED);
  const auto gone = event_of(Syscall::sendmsg, my_tid(), [&](const Event& event) {
    return event.error() == ECONNREFUSED && std::get<SocketCall>(event.call).of_peer &&
           std::get<SocketCall>(event.call).fd == fd;
  });
  ASSERT_TRUE(gone) << "every failure is asked for here";
  if (seen("send_peer")) {
    EXPECT_EQ(std::get<SocketCall>(gone->call).address.name, path);
  } else {
    EXPECT_EQ(std::get<SocketCall>(gone->call).address.kind, AddressKind::unreadable);
  }
  EXPECT_EQ(send_by(Syscall::sendmmsg, fd, ""), ENOTCONN) << "it has no peer any more";
  const auto forgotten =
      event_of(Syscall::sendmmsg, my_tid(), [](const Event& event) { return event.error() == ENOTCONN; });
  ASSERT_TRUE(forgotten);
  EXPECT_EQ(std::get<SocketCall>(forgotten->call).address.kind, AddressKind::unreadable);
  close(fd);
}

TEST_F(Sends, ThatSucceedAreCountedAndNotTold) {
  const int server = unix_socket(SOCK_DGRAM), fd = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(raw_bind(server, name_bytes(folder / "server")), 0);
  for (const Syscall call : kCalls) {
    const auto sent = [&](const KernelSnapshot& now) { return now.of(call, Family::unix_)[0]; };
    const auto send = [&] {
      char text[8];
      EXPECT_EQ(send_by(call, fd, name_bytes(folder / "server")), 0);
      EXPECT_EQ(recv(server, text, sizeof(text), 0), 1);
    };
    EXPECT_EQ(growth(sent, 1, send), 1u) << to_string(call);
  }
  wait_for_marker();
  for (const Event& event : kernel->events())
    EXPECT_FALSE(sends(event.syscall) && !event.failed()) << to_string(event.syscall);
  close(server);
  close(fd);
}

TEST_F(Sends, OfOtherSocketsAreNotCounted) {
  const OwnCgroup own(*kernel);
  const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bound = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_EQ(bind_inet(bound, loopback(0)), 0);
  const sockaddr_in to = loopback(port_of(bound));
  close(bound);
  ASSERT_EQ(connect_inet(udp, to), 0);
  const std::string address(reinterpret_cast<const char*>(&to), sizeof(to));
  int error = 0;
  for (int tries = 0; tries < 100 && error == 0; ++tries) error = send_by(Syscall::sendto, udp, address);
  EXPECT_EQ(error, ECONNREFUSED) << "nothing has the port";
  const int stream = unix_socket(SOCK_STREAM), packets = unix_socket(SOCK_SEQPACKET);
  for (const Syscall call : kCalls) {
    EXPECT_NE(send_by(call, stream, name_bytes("/nope/other-socket")), 0);
    EXPECT_NE(send_by(call, packets, name_bytes("/nope/other-socket")), 0);
    EXPECT_EQ(send_by(call, -1, name_bytes("/nope/other-socket")), EBADF);
  }
  wait_for_marker();
  const auto& events = kernel->events();
  EXPECT_FALSE(std::any_of(events.begin(), events.end(), [](const Event& event) {
    return sends(event.syscall) && std::get<SocketCall>(event.call).address.name == "/nope/other-socket";
  }));
  for (const Syscall call : kCalls)
    for (const int number : {ECONNREFUSED, EISCONN, ENOTCONN, EOPNOTSUPP, EBADF})
      for (const Family family : {Family::unix_, Family::inet, Family::none})
        EXPECT_EQ(own.failures(call, family, number), 0u) << to_string(call) << " " << number;
  for (const int fd : {udp, stream, packets}) close(fd);
}

TEST_F(Sends, AWriteIsOneWhereAllOfThemMeet) {
  const OwnCgroup own(*kernel);
  const int server = unix_socket(SOCK_DGRAM), fd = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(raw_bind(server, name_bytes(folder / "server")), 0);
  ASSERT_EQ(raw_connect(fd, name_bytes(folder / "server")), 0);
  close(server);
  EXPECT_EQ(write(fd, "x", 1), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_EQ(own.failures(Syscall::sendto, Family::unix_, ECONNREFUSED), by_tracepoints() ? 0u : 1u);
  close(fd);
}

TEST_F(Sends, ThroughIoUringAreSeenWhereCoverageSaysSo) {
  io_uring ring{};
  if (const auto none = missing("io_uring", [] {
        io_uring tried{};
        return io_uring_queue_init(4, &tried, 0) == 0;
      }))
    GTEST_SKIP() << *none;
  ASSERT_EQ(io_uring_queue_init(4, &ring, 0), 0);
  const int fd = unix_socket(SOCK_DGRAM);
  std::string to = name_bytes("/nope/uring-send"), text = "x";
  iovec part{text.data(), text.size()};
  const msghdr message{.msg_name = to.data(),
                       .msg_namelen = static_cast<socklen_t>(to.size()),
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = nullptr,
                       .msg_controllen = 0,
                       .msg_flags = 0};
  io_uring_sqe* request = io_uring_get_sqe(&ring);
  io_uring_prep_sendmsg(request, fd, &message, 0);
  io_uring_cqe* answer = nullptr;
  ASSERT_EQ(io_uring_submit(&ring), 1);
  ASSERT_EQ(io_uring_wait_cqe(&ring, &answer), 0);
  EXPECT_EQ(answer->res, -ENOENT);
  io_uring_cqe_seen(&ring, answer);
  io_uring_queue_exit(&ring);
  close(fd);
  wait_for_marker();
  const auto& events = kernel->events();
  const auto found = std::find_if(events.begin(), events.end(), [](const Event& event) {
    const auto* call = std::get_if<SocketCall>(&event.call);
    return call != nullptr && call->address.name == "/nope/uring-send";
  });
  ASSERT_EQ(found != events.end(), covered("sendmsg", "io_uring"));
  if (found == events.end()) return;
  EXPECT_EQ(found->syscall, Syscall::sendmsg);
  EXPECT_EQ(found->via, Via::io_uring);
  EXPECT_EQ(found->actor.tgid, static_cast<std::uint32_t>(getpid()));
}

}  // namespace
}  // namespace sockward::test
