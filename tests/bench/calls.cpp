// Prints the cost of system calls in nanoseconds, one line each: `bench_calls [rounds [divisor [sends]]]`.
// The smallest of the rounds counts. With a divisor each round makes so many times fewer calls, and the mean
// of the CPU time of this process and its children counts: for a clock that counts instructions
// (scripts/cost), of which neither an observer's own work between the calls nor the kernel's is then a part.
// There is one more round first, and a pause. `sends`: only datagrams, to a path of AF_UNIX and to a UDP
// port. `bench_calls trace <call>`: for scripts/cost --where.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

namespace {

sockaddr_un address_of(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  return address;
}

int divisor = 1;
constexpr int kFewestCalls = 60;  // of a call that costs as much as exec

using std::chrono::steady_clock;

double least(int rounds, int calls, const std::function<void()>& call) {
  double best = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const auto start = steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    const std::chrono::duration<double, std::nano> spent = steady_clock::now() - start;
    best = std::min(best, spent.count() / calls);
  }
  return best;
}

double cpu_nanoseconds() {
  timespec own{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
  rusage children{};
  getrusage(RUSAGE_CHILDREN, &children);
  return static_cast<double>(own.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1e9 +
         static_cast<double>(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1e3 +
         static_cast<double>(own.tv_nsec);
}

double mean(int calls, const std::function<void()>& call) {
  const double start = cpu_nanoseconds();
  for (int i = 0; i < calls; ++i) call();
  return (cpu_nanoseconds() - start) / calls;
}

double measure(int rounds, int calls, const std::function<void()>& call) {
  if (divisor == 1) return least(rounds, calls, call);
  calls = std::max(calls / divisor, kFewestCalls);
  for (int i = 0; i < calls; ++i) call();
  // An observer may be busy with its first records.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  return mean(rounds * calls, call);
}

/// The one call to be traced, if any.
std::string traced;

/// The call a few times, with a getppid before each: in a trace of what the CPU does that is where one
/// begins. Waits before for a line on standard input.
void trace(const std::function<void()>& call) {
  constexpr int kWarm = 500, kTraced = 9;
  for (int i = 0; i < kWarm; ++i) call();
  std::puts("READY");
  std::fflush(stdout);
  std::getchar();
  for (int i = 0; i <= kTraced; ++i) {
    syscall(SYS_getppid);
    if (i < kTraced) call();
  }
  std::puts("TRACED");
  std::fflush(stdout);
}

void report(const char* name, int rounds, int calls, const std::function<void()>& call) {
  if (traced.empty())
    std::printf("%s %.1f\n", name, measure(rounds, calls, call));
  else if (traced == name)
    trace(call);
}

/// One program that does nothing, with this argument.
void run_true(const std::string& argument) {
  const pid_t child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", argument.c_str(), nullptr);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
}

/// Connects on loopback, where each end comes inside the call.
void measure_tcp(int rounds) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0), bound = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in there{}, closed{};
  there.sin_family = closed.sin_family = AF_INET;
  there.sin_addr.s_addr = closed.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  there.sin_port = htons(8);
  closed.sin_port = htons(7);
  bind(listener, reinterpret_cast<const sockaddr*>(&there), sizeof(there));
  bind(bound, reinterpret_cast<const sockaddr*>(&closed), sizeof(closed));
  listen(listener, 16);
  const linger reset{.l_onoff = 1, .l_linger = 0};  // leaves no TIME_WAIT, which would use up the ports
  const auto connect_to = [&](const sockaddr_in& address, bool takes) {
    const int own = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(own, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    connect(own, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    if (takes) close(accept(listener, nullptr, nullptr));
    close(own);
  };
  report("tcp_ok", rounds, 10'000, [&] { connect_to(there, true); });
  report("tcp_refused", rounds, 10'000, [&] { connect_to(closed, false); });
}

/// Calls of another observer: probes.sends.
int measure_sends(int rounds) {
  const int sender = socket(AF_UNIX, SOCK_DGRAM, 0), receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
  const sockaddr_un missing = address_of("/sockward-none/x"), named = address_of("/tmp/sockward-bench.sock");
  unlink(named.sun_path);
  bind(receiver, reinterpret_cast<const sockaddr*>(&named), sizeof(named));
  const int udp = socket(AF_INET, SOCK_DGRAM, 0), udp_receiver = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in port{};
  port.sin_family = AF_INET;
  port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  port.sin_port = htons(9);
  bind(udp_receiver, reinterpret_cast<const sockaddr*>(&port), sizeof(port));
  const auto send = [](int from, int to, const auto& address) {
    char text = 'x';
    sendto(from, &text, 1, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    if (to >= 0) recv(to, &text, 1, MSG_DONTWAIT);
  };
  report("getppid", rounds, 300'000, [] { syscall(SYS_getppid); });
  report("send_ok", rounds, 20'000, [&] { send(sender, receiver, named); });
  report("send_fails", rounds, 20'000, [&] { send(sender, -1, missing); });
  report("send_udp", rounds, 20'000, [&] { send(udp, udp_receiver, port); });
  unlink(named.sun_path);
  measure_tcp(rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "trace") traced = argv[2];
  const int rounds = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 7;
  divisor = argc > 2 ? std::max(std::atoi(argv[2]), 1) : 1;
  if (argc > 3 && std::string(argv[3]) == "sends") return measure_sends(rounds);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un missing = address_of("/sockward-none/x"), directory = address_of("/tmp");
  const auto bind_to = [fd](const sockaddr_un& address) {
    bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  };
  report("getppid", rounds, 300'000, [] { syscall(SYS_getppid); });
  report("bind_counted", rounds, 100'000, [&] { bind_to(missing); });
  report("bind_reported", rounds, 20'000, [&] { bind_to(directory); });
  report("bind_ok", rounds, 20'000, [] {
    const int own = socket(AF_UNIX, SOCK_STREAM, 0);
    const sa_family_t family = AF_UNIX;  // autobind
    bind(own, reinterpret_cast<const sockaddr*>(&family), sizeof(family));
    close(own);
  });
  const sockaddr_un named = address_of("/tmp/sockward-bench.sock");
  report("bind_path_ok", rounds, 10'000, [&] {
    const int own = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(own, reinterpret_cast<const sockaddr*>(&named), sizeof(named));
    close(own);
    unlink(named.sun_path);
  });
  const sockaddr_un nobody = address_of("/sockward-none/y");
  report("connect_fails", rounds, 20'000,
         [&] { connect(fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof(nobody)); });
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un abstract = address_of("xsockward-bench");
  abstract.sun_path[0] = 0;
  bind(listener, reinterpret_cast<const sockaddr*>(&abstract), sizeof(abstract));
  listen(listener, 16);
  report("connect_ok", rounds, 20'000, [&] {
    const int own = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(own, reinterpret_cast<const sockaddr*>(&abstract), sizeof(abstract));
    close(accept(listener, nullptr, nullptr));
    close(own);
  });
  report("unlink_fails", rounds, 100'000, [] { unlink("/tmp/sockward-bench-none"); });
  report("unlink_ok", rounds, 10'000, [] {
    close(open("/tmp/sockward-bench-file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unlink("/tmp/sockward-bench-file");
  });
  report("exec", rounds, 300, [] { run_true({}); });
  report("exec_long", rounds, 300, [] { run_true(std::string(4000, 'a')); });
  return 0;
}
