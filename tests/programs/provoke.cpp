// Makes calls fail for real, for the tests that compare what the agent reports with what strace saw.
//
//   provoke all DIR        every failure we can think of, in this process, a thread and a child; as root
//   provoke storm N [TASKS [PATH]]  TASKS processes make N failing binds each, as fast as they can: ENOENT,
//   or to a
//                            PATH through a symbolic link to itself, ELOOP
//   provoke bind PATH        one bind, which may fail or not; then it stays for two seconds, as a server
//   would provoke scatter N [TASKS]  the same, each with an address of its own provoke getppid N prints the
//   nanoseconds that one such call takes, the best of seven rounds of N
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

#ifdef SYS_unlink
constexpr long kUnlink = SYS_unlink;
#else
constexpr long kUnlink = SYS_unlinkat;  // arm64 has only this one
#endif

const void* const kBadPointer = reinterpret_cast<const void*>(0x1000);

int unix_socket(int type = SOCK_STREAM) {
  return socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
}
int tcp_socket() {
  return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

std::string unix_bytes(const std::string& name) {
  const sa_family_t family = AF_UNIX;
  return std::string(reinterpret_cast<const char*>(&family), sizeof(family)) + name;
}

int raw_bind(int fd, const std::string& bytes, long length = -1) {
  return static_cast<int>(
      syscall(SYS_bind, fd, bytes.data(), length < 0 ? static_cast<long>(bytes.size()) : length));
}
int raw_connect(int fd, const std::string& bytes) {
  return static_cast<int>(syscall(SYS_connect, fd, bytes.data(), bytes.size()));
}
int bind_unix(const std::string& path) {
  return raw_bind(unix_socket(), unix_bytes(path + '\0'));
}
int connect_unix(const std::string& path, int type = SOCK_STREAM) {
  return raw_connect(unix_socket(type), unix_bytes(path + '\0'));
}

std::string inet_bytes(const char* ip, unsigned port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, ip, &address.sin_addr);
  return {reinterpret_cast<const char*>(&address), sizeof(address)};
}

std::string inet6_bytes(const char* ip, unsigned port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET6, ip, &address.sin6_addr);
  return {reinterpret_cast<const char*>(&address), sizeof(address)};
}

/// Objects that calls run into.
void prepare(const std::string& dir) {
  const int live = unix_socket();
  raw_bind(live, unix_bytes(dir + "/live" + '\0'));
  listen(live, 1);
  const int abstract = unix_socket();
  raw_bind(abstract, unix_bytes(std::string("\0taken\0name\xff", 12)));
  listen(abstract, 1);
  bind_unix(dir + "/stale");  // its socket is closed when this process ends, like all of them
  close(open((dir + "/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  mkdir((dir + "/folder").c_str(), 0755);
  mkdir((dir + "/folder/inside").c_str(), 0755);
  symlink((dir + "/loop").c_str(), (dir + "/loop").c_str());
  symlink("nowhere", (dir + "/dangling").c_str());
  mkdir((dir + "/sticky").c_str(), 0755);
  chmod((dir + "/sticky").c_str(), 01777);
  bind_unix(dir + "/sticky/rooted");
  chmod((dir + "/live").c_str(), 0700);
  mkdir((dir + "/ro").c_str(), 0755);
  unshare(CLONE_NEWNS | CLONE_NEWUTS);
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  mount("tmpfs", (dir + "/ro").c_str(), "tmpfs", 0, nullptr);
  bind_unix(dir + "/ro/kept");
  mount(nullptr, (dir + "/ro").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
}

void fail_binds(const std::string& dir) {
  for (const char* name : {"/live", "/stale", "/file", "/folder", "/dangling", "/loop", "/file/below",
                           "/loop/below", "/missing/below", "/ro/new", "/ro/kept"})
    bind_unix(dir + name);
  raw_bind(unix_socket(), unix_bytes(std::string("\0taken\0name\xff", 12)));
  for (const std::size_t length : {108U, 110U, 126U, 127U, 200U, 600U})
    raw_bind(unix_socket(), unix_bytes(dir + "/" + std::string(length - dir.size() - 1, 'l') + '\0'));
  const int twice = unix_socket();
  raw_bind(twice, unix_bytes(std::string("\0once-", 6) + std::to_string(gettid())));
  raw_bind(twice, unix_bytes(std::string("\0again", 6)));
  bind_unix(dir + "/bad\xff\xfeutf8\n\x1b[31m/x");
  bind_unix("missing-relative/name");
  bind_unix("@not-abstract/x");
  for (const long length : {0L, 1L, 2L, 3L}) raw_bind(tcp_socket(), inet_bytes("127.0.0.1", 1), length);
  syscall(SYS_bind, unix_socket(), nullptr, 20);
  syscall(SYS_bind, unix_socket(), kBadPointer, 20);
  syscall(SYS_bind, unix_socket(), unix_bytes("/x").data(), -1);
  raw_bind(-1, unix_bytes(dir + "/x" + '\0'));
  raw_bind(STDERR_FILENO, unix_bytes(dir + "/x" + '\0'));
  raw_bind(tcp_socket(), inet_bytes("192.0.2.1", 80));
  raw_bind(tcp_socket(), unix_bytes(dir + "/wrong-family" + '\0'));
  raw_bind(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), inet6_bytes("2001:db8::1", 53));
  const int first = tcp_socket();
  raw_bind(first, inet_bytes("127.0.0.1", 0));
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  getsockname(first, reinterpret_cast<sockaddr*>(&bound), &size);
  listen(first, 1);
  raw_bind(tcp_socket(), {reinterpret_cast<const char*>(&bound), sizeof(bound)});
}

void fail_connects(const std::string& dir) {
  for (const char* name : {"/stale", "/file", "/folder", "/dangling", "/loop", "/missing", "/file/below"})
    connect_unix(dir + name);
  connect_unix(dir + "/live", SOCK_DGRAM);
  raw_connect(unix_socket(), unix_bytes(std::string("\0nobody\0here", 12)));
  raw_connect(unix_socket(), unix_bytes(dir + "/" + std::string(120, 'c')));
  raw_connect(tcp_socket(), inet_bytes("127.0.0.1", 1));
  raw_connect(tcp_socket(), inet_bytes("255.255.255.255", 9));
  raw_connect(tcp_socket(), unix_bytes("/wrong"));
  const int unspecified = tcp_socket();
  syscall(SYS_connect, unspecified, "\0", 1);
  syscall(SYS_connect, unspecified, nullptr, 16);
  const int nonblocking = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int listener = tcp_socket();
  raw_bind(listener, inet_bytes("127.0.0.1", 0));
  listen(listener, 1);
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  raw_connect(nonblocking, {reinterpret_cast<const char*>(&bound), sizeof(bound)});
}

/// A blocking connect to a full backlog, interrupted: the kernel returns -512, user space reads EINTR.
void interrupt_connect(const std::string& dir) {
  const std::string path = dir + "/full-" + std::to_string(gettid());
  const int listener = unix_socket();
  raw_bind(listener, unix_bytes(path + '\0'));
  listen(listener, 0);
  connect_unix(path);
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);
  const pid_t process = getpid(), thread = gettid();
  std::thread poke([=] {
    usleep(200'000);
    syscall(SYS_tgkill, process, thread, SIGUSR1);
  });
  connect_unix(path);
  poke.join();
}

void fail_unlinks(const std::string& dir) {
  for (const char* name : {"/missing", "/folder", "/loop/below", "/file/below", "/ro/kept"})
    unlink((dir + name).c_str());
  unlink("");
  unlink("relative-missing");
  unlink((dir + "/" + std::string(256, 'n')).c_str());
  unlink((dir + "/" + std::string(5000, '/')).c_str());
  unlink((dir + "/raw\x80\xff\x01").c_str());
#ifdef SYS_unlink
  syscall(SYS_unlink, nullptr);
  syscall(SYS_unlink, kBadPointer);
#endif
  const int folder = open((dir + "/folder").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  unlinkat(folder, "missing", 0);
  unlinkat(folder, "inside", 0);
  unlinkat(AT_FDCWD, (dir + "/folder").c_str(), AT_REMOVEDIR);
  unlinkat(AT_FDCWD, (dir + "/file").c_str(), AT_REMOVEDIR);
  unlinkat(folder, "inside", 0x4000);
  unlinkat(-1, "missing", 0);
  syscall(SYS_unlinkat, folder, nullptr, 0);
}

void fail_names() {
  char name[80];
  memset(name, 'h', sizeof(name));
  syscall(SYS_sethostname, name, 65);
  syscall(SYS_sethostname, name, -1);
  syscall(SYS_sethostname, nullptr, 5);
  syscall(SYS_setdomainname, name, 70);
  syscall(SYS_setdomainname, kBadPointer, 5);
}

void fail_as_nobody(const std::string& dir) {
  constexpr unsigned kNobody = 65534;
  setgroups(0, nullptr);
  if (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0) _exit(9);
  unlink((dir + "/sticky/rooted").c_str());
  unlinkat(AT_FDCWD, (dir + "/file").c_str(), 0);
  bind_unix(dir + "/denied");
  connect_unix(dir + "/live");
  raw_bind(tcp_socket(), inet_bytes("0.0.0.0", 80));
  char name[] = "nobodys-name";
  syscall(SYS_sethostname, name, 12);
  syscall(SYS_setdomainname, name, 12);
}

/// From here on bind, connect, unlink and sethostname are refused by a filter: their exit has no entry.
void fail_by_seccomp(const std::string& dir) {
  std::vector<sock_filter> program = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long number : {long{SYS_bind}, long{SYS_connect}, kUnlink, long{SYS_sethostname}}) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTRECOVERABLE));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(9);
  bind_unix(dir + "/filtered");
  connect_unix(dir + "/filtered");
  unlink((dir + "/filtered").c_str());
  char name[] = "filtered";
  syscall(SYS_sethostname, name, 8);
}

void fail_every_way(const std::string& dir) {
  printf("%d %d\n", gettid(), getpid());
  fflush(stdout);
  fail_binds(dir);
  fail_connects(dir);
  interrupt_connect(dir);
  fail_unlinks(dir);
  fail_names();
}

template <class Body>
void in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    printf("%d %d\n", gettid(), getpid());
    fflush(stdout);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) exit(3);
}

int all(const std::string& dir) {
  if (chdir(dir.c_str()) != 0) return 2;
  prepare(dir);
  fail_every_way(dir);
  std::thread([&] { fail_every_way(dir); }).join();
  in_child([&] { fail_every_way(dir); });
  in_child([&] { std::thread([&] { fail_every_way(dir); }).join(); });
  in_child([&] { fail_as_nobody(dir); });
  in_child([&] { fail_by_seccomp(dir); });
  return 0;
}

int storm(long calls, int tasks, const std::string& path, int error) {
  const std::string address = unix_bytes(path + '\0');
  for (int task = 0; task < tasks; ++task)
    if (fork() == 0) {
      const int fd = unix_socket();
      for (long i = 0; i < calls; ++i)
        if (raw_bind(fd, address) == 0 || errno != error) _exit(1);
      _exit(0);
    }
  int status = 0, failed = 0;
  while (wait(&status) > 0) failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  return failed == 0 ? 0 : 1;
}

int scatter(long calls, int tasks) {
  for (int task = 0; task < tasks; ++task)
    if (fork() == 0) {
      const int fd = unix_socket();
      for (long i = 0; i < calls; ++i) {
        const std::string name = "/sockward-no-such-folder/" + std::to_string(task) + "-" + std::to_string(i);
        if (raw_bind(fd, unix_bytes(name + '\0')) == 0 || errno != ENOENT) _exit(1);
      }
      _exit(0);
    }
  int status = 0, failed = 0;
  while (wait(&status) > 0) failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  return failed == 0 ? 0 : 1;
}

int getppid_cost(long calls) {
  double best = 1e18;
  for (int round = 0; round < 7; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (long i = 0; i < calls; ++i) syscall(SYS_getppid);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count() / static_cast<double>(calls));
  }
  printf("%.1f\n", best);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "all" && argc == 3) return all(argv[2]);
  if (what == "storm" && argc >= 3)
    return argc > 4 ? storm(atol(argv[2]), atoi(argv[3]), argv[4], ELOOP)
                    : storm(atol(argv[2]), argc > 3 ? atoi(argv[3]) : 1, "/sockward-no-such-folder/socket",
                            ENOENT);
  if (what == "scatter" && argc >= 3) return scatter(atol(argv[2]), argc > 3 ? atoi(argv[3]) : 1);
  if (what == "bind" && argc == 3) {
    bind_unix(argv[2]);
    sleep(2);
    return 0;
  }
  if (what == "getppid" && argc == 3) return getppid_cost(atol(argv[2]));
  fprintf(stderr,
          "usage: provoke all DIR | provoke bind PATH | provoke storm N [TASKS [PATH-THROUGH-A-LOOP]] | "
          "provoke scatter N [TASKS] | "
          "provoke getppid N\n");
  return 2;
}
