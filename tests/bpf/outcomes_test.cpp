// How TCP connects end: told once, counted once, by whom they were made.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

#include <thread>

#include "bpf/sockets.hpp"

namespace sockward::test {
namespace {

using namespace std::chrono_literals;

class Outcomes : public Kernel {
 protected:
  static int stream(int flags = 0) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0); }

  /// A port on which nobody listens: that of a socket that is bound and does not.
  void SetUp() override {
    Kernel::SetUp();
    ASSERT_EQ(bind_inet(bound_, loopback(0)), 0);
    closed_port_ = port_of(bound_);
  }
  ~Outcomes() override {
    for (const int fd : queued_) close(fd);
    close(bound_);
  }

  /// A listener whose accept queue is full: it answers no SYN.
  std::uint16_t full_port() {
    const int listener = stream();
    queued_.push_back(listener);
    EXPECT_EQ(bind_inet(listener, loopback(0)), 0);
    EXPECT_EQ(listen(listener, 0), 0);
    const std::uint16_t port = port_of(listener);
    for (int i = 0; i < 4; ++i) {
      queued_.push_back(stream(SOCK_NONBLOCK));
      (void)connect_inet(queued_.back(), loopback(port));
    }
    std::this_thread::sleep_for(100ms);
    return port;
  }

  std::vector<Event> ends_at(std::uint16_t port) {
    std::vector<Event> found;
    for (const Event& event : kernel->events())
      if (const auto* call = std::get_if<SocketCall>(&event.call))
        if (event.syscall == Syscall::connect && event.failed() && call->address.is_inet() &&
            call->address.port == port)
          found.push_back(event);
    return found;
  }

  /// The only record of a connect to this port; later calls have been seen by then.
  std::optional<Event> only_end_at(std::uint16_t port) {
    (void)kernel->wait_for([&](const Event&) { return !ends_at(port).empty(); });
    EXPECT_NE(bind(-1, nullptr, 0), 0);
    EXPECT_TRUE(event_of(Syscall::bind, static_cast<std::uint32_t>(gettid()),
                         [](const Event& event) { return event.error() == EBADF; }));
    const auto ends = ends_at(port);
    EXPECT_EQ(ends.size(), 1U);
    return ends.empty() ? std::nullopt : std::optional(ends.front());
  }

  static std::uint64_t counted(const KernelSnapshot& snapshot, ConnectOutcome outcome, bool v6 = false) {
    return snapshot.connections.at(v6 ? 1 : 0).at(static_cast<std::size_t>(outcome));
  }

  static void expect_end(const std::optional<Event>& event, ConnectOutcome outcome, bool answered) {
    ASSERT_TRUE(event);
    const auto& call = std::get<SocketCall>(event->call);
    ASSERT_TRUE(call.end);
    EXPECT_EQ(call.end->outcome, outcome);
    EXPECT_EQ(call.end->answered, answered);
    EXPECT_GE(call.end->syns, 1U);
    EXPECT_EQ(call.address.kind, AddressKind::inet);
    EXPECT_EQ(call.address.ip_text(), "127.0.0.1");
    EXPECT_EQ(event->actor.tgid, static_cast<std::uint32_t>(getpid()));
  }

  int bound_ = stream();
  std::uint16_t closed_port_ = 0;
  std::vector<int> queued_;
};

TEST_F(Outcomes, ABlockingRefusalIsToldOnceByTheCall) {
  const int fd = stream();
  EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), ECONNREFUSED);
  const auto event = only_end_at(closed_port_);
  expect_end(event, ConnectOutcome::refused, true);
  EXPECT_EQ(event->error(), ECONNREFUSED);
  EXPECT_EQ(std::get<SocketCall>(event->call).end->syns, 1U);
  close(fd);
}

TEST_F(Outcomes, ARefusalInsideANonBlockingCallIsTold) {
  const int fd = stream(SOCK_NONBLOCK);
  EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), EINPROGRESS);
  const auto event = only_end_at(closed_port_);
  expect_end(event, ConnectOutcome::refused, true);
  EXPECT_EQ(event->error(), ECONNREFUSED);
  EXPECT_EQ(event->via, Via::syscall);
  close(fd);
}

TEST_F(Outcomes, ACallThatOnlyFetchesTheErrorIsNoOtherFailure) {
  const int fd = stream(SOCK_NONBLOCK);
  EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), EINPROGRESS);
  EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), ECONNREFUSED);
  (void)only_end_at(closed_port_);
  close(fd);
}

TEST_F(Outcomes, AnotherErrorOfTheSameSocketIsAnotherFailure) {
  const int fd = stream(SOCK_NONBLOCK);
  EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), EINPROGRESS);
  const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
  EXPECT_EQ(connect(fd, &none, sizeof(none)), 0);
  sockaddr_in everybody = loopback(closed_port_);
  everybody.sin_addr.s_addr = htonl(0x7FFFFFFF);  // 127.255.255.255: TCP has no broadcast
  const int error = connect_inet(fd, everybody);
  EXPECT_TRUE(error == ENETUNREACH || error == EACCES) << error;
  EXPECT_TRUE(event_of(Syscall::connect, static_cast<std::uint32_t>(gettid()),
                       [&](const Event& event) { return event.error() == error; }));
  close(fd);
}

TEST_F(Outcomes, ATryAnewIsAnotherFailure) {
  const int fd = stream(SOCK_NONBLOCK);
  for (int i = 0; i < 3; ++i) {
    int error = 0;
    socklen_t size = sizeof(error);
    EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), EINPROGRESS);
    EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_EQ(error, ECONNREFUSED);
    // The kernel asks for one more call before the socket can be used again.
    EXPECT_EQ(connect_inet(fd, loopback(closed_port_)), ECONNABORTED);
  }
  (void)kernel->wait_for([&](const Event&) { return ends_at(closed_port_).size() >= 3; });
  std::size_t refused = 0;
  for (const Event& event : ends_at(closed_port_)) refused += event.error() == ECONNREFUSED ? 1 : 0;
  EXPECT_EQ(refused, 3U);
  close(fd);
}

TEST_F(Outcomes, EachEndIsCountedOnce) {
  const int listener = stream();
  ASSERT_EQ(bind_inet(listener, loopback(0)), 0);
  ASSERT_EQ(listen(listener, 256), 0);
  for (const int flags : {0, int{SOCK_NONBLOCK}}) {
    const auto refused = [](const KernelSnapshot& now) { return counted(now, ConnectOutcome::refused); };
    const auto established = [](const KernelSnapshot& now) {
      return counted(now, ConnectOutcome::established);
    };
    const auto connect_to = [&](std::uint16_t port) {
      for (int i = 0; i < 5; ++i) {
        const int fd = stream(flags);
        (void)connect_inet(fd, loopback(port));
        close(fd);
      }
    };
    EXPECT_EQ(growth(refused, 5, [&] { connect_to(closed_port_); }), 5U) << flags;
    EXPECT_EQ(growth(established, 5, [&] { connect_to(port_of(listener)); }), 5U) << flags;
  }
  close(listener);
}

TEST_F(Outcomes, WhatTheProgramGivesUpIsToldWithItsTimeAndSyns) {
  const std::uint16_t port = full_port();
  const int fd = stream(SOCK_NONBLOCK);
  const auto given_up = [](const KernelSnapshot& now) { return counted(now, ConnectOutcome::given_up); };
  EXPECT_EQ(growth(given_up, 1,
                   [&] {
                     EXPECT_EQ(connect_inet(fd, loopback(port)), EINPROGRESS);
                     pollfd waits{.fd = fd, .events = POLLOUT, .revents = 0};
                     EXPECT_EQ(poll(&waits, 1, 1300), 0);
                     close(fd);
                   }),
            1U);
  const auto event = only_end_at(port);
  expect_end(event, ConnectOutcome::given_up, false);
  EXPECT_TRUE(event->given_up());
  const auto& end = *std::get<SocketCall>(event->call).end;
  EXPECT_GE(end.elapsed, 1300ms);
  EXPECT_LT(end.elapsed, 3s);
  EXPECT_EQ(end.syns, 2U);  // one more after a second
}

TEST_F(Outcomes, AnAttemptThatIsGivenUpEarlyOrLostARaceIsOnlyCounted) {
  const std::uint16_t port = full_port();
  const auto given_up = [](const KernelSnapshot& now) { return counted(now, ConnectOutcome::given_up); };
  const auto attempt = [&](std::chrono::milliseconds wait) {
    const int fd = stream(SOCK_NONBLOCK);
    EXPECT_EQ(connect_inet(fd, loopback(port)), EINPROGRESS);
    std::this_thread::sleep_for(wait);
    close(fd);
  };
  EXPECT_EQ(growth(given_up, 1, [&] { attempt(10ms); }), 1U);
  // The other family of a client that tries both: the one that got through is open when this one is closed.
  const int winner = stream(SOCK_NONBLOCK), listener = stream();
  sockaddr_in other = loopback(port);
  other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  ASSERT_EQ(bind_inet(listener, other), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  EXPECT_EQ(connect_inet(winner, other), EINPROGRESS);
  EXPECT_EQ(growth(given_up, 1, [&] { attempt(1200ms); }), 1U);
  EXPECT_NE(bind(-1, nullptr, 0), 0);
  ASSERT_TRUE(event_of(Syscall::bind, static_cast<std::uint32_t>(gettid())));
  EXPECT_TRUE(ends_at(port).empty());
  close(winner);
  close(listener);
}

TEST_F(Outcomes, TheKernelsTimeIsUp) {
  const std::uint16_t port = full_port();
  const int fd = stream(SOCK_NONBLOCK), limit = 500;  // ms
  ASSERT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit)), 0);
  const auto timed_out = [](const KernelSnapshot& now) { return counted(now, ConnectOutcome::timed_out); };
  EXPECT_EQ(growth(timed_out, 1,
                   [&] {
                     EXPECT_EQ(connect_inet(fd, loopback(port)), EINPROGRESS);
                     pollfd waits{.fd = fd, .events = POLLOUT, .revents = 0};
                     EXPECT_EQ(poll(&waits, 1, 10000), 1);
                   }),
            1U);
  const auto event = only_end_at(port);
  expect_end(event, ConnectOutcome::timed_out, false);
  EXPECT_EQ(event->error(), ETIMEDOUT);
  close(fd);
}

TEST_F(Outcomes, WhoAskedIsToldWhoeverClosesIt) {
  const std::uint16_t port = full_port();
  const int fd = stream(SOCK_NONBLOCK);
  EXPECT_EQ(connect_inet(fd, loopback(port)), EINPROGRESS);
  const pid_t child = fork();
  if (child == 0) {
    std::this_thread::sleep_for(1100ms);
    _exit(0);  // the last one that has it open
  }
  close(fd);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  expect_end(only_end_at(port), ConnectOutcome::given_up, false);
}

TEST_F(Outcomes, NoRouteIsCountedAndToldByTheCall) {
  const auto unreachable = [](const KernelSnapshot& now) {
    return counted(now, ConnectOutcome::unreachable);
  };
  std::uint32_t child = 0;
  const auto without_loopback = [&] {
    child = in_child([] {
      if (unshare(CLONE_NEWNET) != 0) return false;
      return connect_inet(stream(SOCK_NONBLOCK), loopback(1)) == ENETUNREACH;
    });
  };
  EXPECT_EQ(growth(unreachable, 1, without_loopback), 1U);
  ASSERT_NE(child, 0U);
  const auto event = kernel->wait_for(
      [&](const Event& one) { return one.actor.tgid == child && one.syscall == Syscall::connect; });
  ASSERT_TRUE(event);
  EXPECT_EQ(event->error(), ENETUNREACH);
  EXPECT_FALSE(std::get<SocketCall>(event->call).end);
}

TEST_F(Outcomes, AFailureBeforeTheSynIsNoOutcome) {
  // The source address is not this host's: the call says so, and nothing was sent.
  const int fd = stream(SOCK_NONBLOCK), same = stream(SOCK_NONBLOCK), listener = stream(), on = 1;
  ASSERT_EQ(bind_inet(listener, loopback(0)), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  for (const int one : {fd, same}) ASSERT_EQ(setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
  ASSERT_EQ(bind_inet(fd, loopback(0)), 0);
  ASSERT_EQ(bind_inet(same, loopback(port_of(fd))), 0);
  EXPECT_EQ(connect_inet(fd, loopback(port_of(listener))), EINPROGRESS);
  const auto all = [](const KernelSnapshot& now) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : now.connections[0]) sum += count;
    return sum;
  };
  EXPECT_EQ(
      growth(all, 0, [&] { EXPECT_EQ(connect_inet(same, loopback(port_of(listener))), EADDRNOTAVAIL); }), 0U);
  for (const int one : {fd, same, listener}) close(one);
}

TEST_F(Outcomes, IPv6IsCountedApart) {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in6 mapped{.sin6_family = AF_INET6,
                      .sin6_port = htons(closed_port_),
                      .sin6_flowinfo = 0,
                      .sin6_addr = {},
                      .sin6_scope_id = 0};
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr), 1);
  const auto refused = [](const KernelSnapshot& now) { return counted(now, ConnectOutcome::refused, true); };
  EXPECT_EQ(
      growth(refused, 1,
             [&] { EXPECT_NE(connect(fd, reinterpret_cast<const sockaddr*>(&mapped), sizeof(mapped)), 0); }),
      1U);
  const auto event = only_end_at(closed_port_);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<SocketCall>(event->call).address.ip_text(), "::ffff:127.0.0.1");
  close(fd);
}

}  // namespace
}  // namespace sockward::test
