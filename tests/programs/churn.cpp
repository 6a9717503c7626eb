// churn SECONDS COUNT FOLDER CGROUPS: COUNT processes evenly spread over SECONDS (or as many as fit),
// namespaces, cgroups and sockets that come and go, for scripts/soak. FOLDER must be empty and writable;
// CGROUPS is the folder of the hierarchy that tells containers apart. Each process lives in a UTS namespace
// of its own, each tenth in a network, mount and IPC namespace too, each twentieth begins a new container.
// Prints what was made as JSON when it is over.
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

constexpr unsigned kNamespacesEach = 10, kContainerEach = 20;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

bool fails_with(int result, int error) {
  return result == -1 && errno == error;
}

int bind_to(int fd, const std::string& path) {
  const sockaddr_un address = address_of(path);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

/// One process's life: what it does succeeds or fails as told, or it ends with another status.
bool live(unsigned number, const std::string& folder) {
  const int more = number % kNamespacesEach == 0 ? CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC : 0;
  if (unshare(CLONE_NEWUTS | more) != 0) return false;
  const std::string name = "churn-" + std::to_string(number), path = folder + "/" + name;
  if (sethostname(name.c_str(), name.size()) != 0) return false;
  const int first = socket(AF_UNIX, SOCK_STREAM, 0), second = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind_to(first, path) != 0 || !fails_with(bind_to(second, path), EADDRINUSE)) return false;
  if (!fails_with(bind_to(second, folder + "/none/" + name), ENOENT)) return false;
  const sockaddr_un address = address_of(path);  // nobody listens
  if (!fails_with(connect(second, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                  ECONNREFUSED))
    return false;
  // An error that hardly anybody else on the machine makes: what was counted is compared with what was made.
  return fails_with(unlink((path + "/below").c_str()), ENOTDIR) && unlink(path.c_str()) == 0;
}

bool enter(const std::string& cgroup) {
  const int fd = open((cgroup + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  const bool done = fd >= 0 && write(fd, "0", 1) == 1;
  close(fd);
  return done;
}

std::string container_of(unsigned number, const std::string& cgroups) {
  char id[65];
  std::snprintf(id, sizeof(id), "%064x", number * 2654435761u);
  return cgroups + "/docker/" + std::string(id + 52) + std::string(id, 52);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: churn SECONDS COUNT FOLDER CGROUPS\n", stderr);
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const std::chrono::seconds time(atol(argv[1]));
  const auto count = static_cast<unsigned>(atol(argv[2]));
  const std::string folder = argv[3], cgroups = argv[4];
  std::string container;
  unsigned made = 0, wrong = 0, containers = 0;
  for (; made < count && std::chrono::steady_clock::now() < begin + time; ++made) {
    std::this_thread::sleep_until(begin + std::chrono::nanoseconds(time) * made / count);
    if (made % kContainerEach == 0) {
      if (!container.empty()) rmdir(container.c_str());
      container = container_of(containers++, cgroups);
      mkdir((cgroups + "/docker").c_str(), 0755);  // others may have removed it while it was empty
      mkdir(container.c_str(), 0755);
    }
    const pid_t child = fork();
    if (child == 0) _exit(enter(container) && live(made, folder) ? 0 : 1);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) ++wrong;
  }
  rmdir(container.c_str());
  rmdir((cgroups + "/docker").c_str());
  std::printf("{\"processes\": %u, \"wrong\": %u, \"containers\": %u}\n", made, wrong, containers);
  return wrong == 0 ? 0 : 1;
}
