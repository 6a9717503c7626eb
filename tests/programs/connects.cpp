// Makes TCP connects and says how they ended: the truth that counters are compared with.
//
//   connects mix N SEED      N of them, each in a way and to a server chosen at random: "established 12 …"
//   connects storm N TASKS   TASKS processes that are refused N times each, as fast as they can
//   connects churn N TASKS   … accepted, refused and given up in turn, N times each; the tally as above
//
// Servers: one that accepts, a port without a listener, and a listener whose queue is full.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
  int family() const { return bytes.ss_family; }
};

[[noreturn]] void die(const char* what) {
  perror(what);
  _exit(3);
}

int stream(int family, int flags = 0) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) die("socket");
  return fd;
}

/// 127.0.0.1 or ::1, port 0.
Address loopback(int family) {
  Address address;
  if (family == AF_INET) {
    auto& inet = reinterpret_cast<sockaddr_in&>(address.bytes);
    inet.sin_family = AF_INET;
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof(inet);
  } else {
    auto& inet6 = reinterpret_cast<sockaddr_in6&>(address.bytes);
    inet6.sin6_family = AF_INET6;
    inet6.sin6_addr = in6addr_loopback;
    address.size = sizeof(inet6);
  }
  return address;
}

Address bind_somewhere(int fd, int family) {
  Address address = loopback(family);
  if (bind(fd, address.get(), address.size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address.bytes), &address.size) != 0)
    die("bind");
  return address;
}

enum Server { open_, closed, full, kServers };

/// The servers of one family.
struct Servers {
  std::array<Address, kServers> at;

  explicit Servers(int family) {
    const int listener = stream(family);
    at[open_] = bind_somewhere(listener, family);
    if (listen(listener, 1000) != 0) die("listen");
    std::thread([listener] {
      for (;;)
        if (const int fd = accept(listener, nullptr, nullptr); fd >= 0) close(fd);
    }).detach();
    at[closed] = bind_somewhere(stream(family), family);
    const int busy = stream(family);
    at[full] = bind_somewhere(busy, family);
    if (listen(busy, 0) != 0) die("listen");
  }

  /// Counted like all others.
  int fill() const {
    for (int i = 0; i < 4; ++i)
      (void)connect(stream(at[full].family(), SOCK_NONBLOCK), at[full].get(), at[full].size);
    return 4;
  }
};

/// As programs do once a socket is writable.
void fetch_error(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) die("SO_ERROR");
}

void wait_by_poll(int fd) {
  pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
  (void)poll(&one, 1, 5000);
  fetch_error(fd);
}

void wait_by_epoll(int fd) {
  const int set = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{.events = EPOLLOUT, .data = {}};
  if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &wanted) != 0) die("epoll");
  (void)epoll_wait(set, &wanted, 1, 5000);
  close(set);
  fetch_error(fd);
}

void begin(int fd, const Address& to) {
  (void)connect(fd, to.get(), to.size);
}

/// A child has it open, too, and closes it last.
void give_to_child(int fd) {
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    usleep(1000);
    _exit(0);
  }
  close(fd);
  (void)waitpid(child, nullptr, 0);
}

void send_away(int fd) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) die("socketpair");
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(int));
  if (sendmsg(pair[0], &message, 0) != 1) die("sendmsg");
  close(fd);  // now it is open nowhere but on its way
  close(pair[0]);
  close(pair[1]);
}

void in_one_way(int way, const Address& to, Server server) {
  const bool waits = way == 0 && server != full;
  const int fd = stream(to.family(), waits ? 0 : SOCK_NONBLOCK);
  if (way == 1) {  // TCP Fast Open
    (void)sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT, to.get(), to.size);
    close(fd);
    return;
  }
  if (way == 2) {  // closed by another thread meanwhile
    std::thread closer([fd] { shutdown(fd, SHUT_RDWR); });
    begin(fd, to);
    closer.join();
    close(fd);
    return;
  }
  begin(fd, to);
  if (server != full && way == 3) wait_by_poll(fd);
  if (server != full && way == 4) wait_by_epoll(fd);
  if (way == 5) begin(fd, to);  // asks how it went
  if (way == 6) return give_to_child(fd);
  if (way == 7) return send_away(fd);
  close(fd);
}

int mix(int count, unsigned seed) {
  constexpr int kWays = 9;
  const std::array<Servers, 2> servers{Servers(AF_INET), Servers(AF_INET6)};
  std::mt19937 random(seed);
  std::array<std::array<int, kServers>, 2> made{};
  int filling = 0;
  for (const Servers& one : servers) filling += one.fill();
  usleep(200'000);
  for (int i = 0; i < count; ++i) {
    const std::size_t family = random() % 2;
    const auto server = static_cast<Server>(random() % kServers);
    in_one_way(static_cast<int>(random() % kWays), servers[family].at[server], server);
    ++made[family][server];
  }
  for (std::size_t family = 0; family < 2; ++family)
    printf("%s established %d refused %d given_up %d\n", family == 0 ? "inet" : "inet6", made[family][open_],
           made[family][closed], made[family][full]);
  printf("filling %d\n", filling);
  fflush(stdout);
  _exit(0);  // what fills the queues is still there: it ends with this process
}

/// The outcome as the socket shows it when connect(2) has returned: on loopback nothing comes later.
Server outcome_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) die("TCP_INFO");
  return info.tcpi_state == TCP_SYN_SENT ? full : info.tcpi_state == TCP_CLOSE ? closed : open_;
}

/// A connection that ends with a reset: no TIME_WAIT, so the ports last.
void close_at_once(int fd) {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close(fd);
}

int churn(long count, int tasks) {
  using Tally = std::array<std::atomic<long>, kServers>;
  const Servers servers(AF_INET);
  void* shared = mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) die("mmap");
  auto& made = *new (shared) Tally{};
  const int filling = servers.fill();
  usleep(200'000);
  for (int task = 0; task < tasks; ++task)
    if (fork() == 0) {
      for (long i = 0; i < count; ++i) {
        const int fd = stream(AF_INET, SOCK_NONBLOCK);
        begin(fd, servers.at[static_cast<std::size_t>(i % kServers)]);
        ++made[outcome_of(fd)];
        close_at_once(fd);
      }
      _exit(0);
    }
  int failed = 0, status = 0;
  while (wait(&status) > 0) failed |= status;
  printf("inet established %ld refused %ld given_up %ld\nfilling %d\n", made[open_].load(),
         made[closed].load(), made[full].load(), filling);
  fflush(stdout);
  _exit(failed != 0);
}

int storm(long count, int tasks) {
  const int bound = stream(AF_INET);
  const Address to = bind_somewhere(bound, AF_INET);
  const auto begun = std::chrono::steady_clock::now();
  for (int task = 0; task < tasks; ++task)
    if (fork() == 0) {
      for (long i = 0; i < count; ++i) {
        const int fd = stream(AF_INET, i % 2 == 0 ? SOCK_NONBLOCK : 0);
        const int error = connect(fd, to.get(), to.size) == 0 ? 0 : errno;
        if (error != (i % 2 == 0 ? EINPROGRESS : ECONNREFUSED)) die("connect");
        close(fd);
      }
      _exit(0);
    }
  int failed = 0, status = 0;
  while (wait(&status) > 0) failed |= status;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  printf("%.0f a second\n", static_cast<double>(count) * tasks / took.count());
  return failed != 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 4 ? argv[1] : "";
  if (what == "mix") return mix(atoi(argv[2]), static_cast<unsigned>(atoi(argv[3])));
  if (what == "storm") return storm(atol(argv[2]), atoi(argv[3]));
  if (what == "churn") return churn(atol(argv[2]), atoi(argv[3]));
  fprintf(stderr, "usage: connects mix N SEED | connects storm N TASKS | connects churn N TASKS\n");
  return 2;
}
