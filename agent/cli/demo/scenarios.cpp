#include "cli/demo/scenarios.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sockward {
namespace {

/// bind(2) with exactly these bytes as the path. Returns 0 or an errno.
int bind_path(int fd, const std::string& path, bool with_nul = true) {
  std::string address(sizeof(sa_family_t), '\0');
  const sa_family_t family = AF_UNIX;
  std::memcpy(address.data(), &family, sizeof(family));
  address += path;
  if (with_nul) address += '\0';
  const auto length = static_cast<socklen_t>(address.size());
  return bind(fd, reinterpret_cast<const sockaddr*>(address.data()), length) == 0 ? 0 : errno;
}

int unix_socket() {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

std::string padded(const std::string& folder, std::size_t bytes) {
  std::string path = folder + "/a-long-instance-name-";
  path.resize(bytes - 5, 'x');
  return path + ".sock";
}

bool too_long(const std::string& folder) {
  return bind_path(unix_socket(), padded(folder, 127)) == EINVAL;
}

bool near_limit(const std::string& folder) {
  return bind_path(unix_socket(), padded(folder, 103)) == 0;
}

bool truncated(const std::string& folder) {
  const std::string path = padded(folder, 127);
  execl("/proc/self/exe", "sockward", "demo", "--internal-truncate", path.c_str(), nullptr);
  return false;
}

bool privileged_port(const std::string&) {
  if (unshare(CLONE_NEWNET) != 0 || !become_nobody()) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno == EACCES;
}

bool address_in_use(const std::string&) {
  if (unshare(CLONE_NEWNET) != 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(8080);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  const int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
            second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return bind(first, raw, sizeof(address)) == 0 && listen(first, 1) == 0 &&
         bind(second, raw, sizeof(address)) != 0 && errno == EADDRINUSE;
}

/// A server binds the path and ends; the agent has had its look when this returns.
bool leave_socket(const std::string& path) {
  const pid_t server = fork();
  if (server == 0) _exit(bind_path(unix_socket(), path) == 0 ? 0 : 1);
  int status = 0;
  waitpid(server, &status, 0);
  usleep(400'000);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// The Ergo story: root's stale socket in a sticky folder; an ordinary user removes it in vain and blames the
/// address.
bool stale_socket(const std::string& folder) {
  const std::string sticky = folder + "/sticky", path = sticky + "/ws.sock";
  if (mkdir(sticky.c_str(), 0) != 0 || chmod(sticky.c_str(), 01777) != 0) return false;
  if (!leave_socket(path) || !become_nobody()) return false;
  const bool kept = unlinkat(AT_FDCWD, path.c_str(), 0) != 0 && errno == EPERM;
  return kept && bind_path(unix_socket(), path) == EADDRINUSE;
}

/// The Incus story: a runtime opens its root without following symlinks, and a folder above is one.
bool refused_symlink(const std::string& folder) {
  const std::string link = folder + "/opt";
  if (symlink("/usr", link.c_str()) != 0) return false;
  usleep(50'000);  // a link that is older than the call is proof
  constexpr std::uint64_t kNoMagicLinks = 2, kNoSymlinks = 4;
  const struct {
    std::uint64_t flags, mode, resolve;
  } how{O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, kNoMagicLinks | kNoSymlinks};
  return syscall(SYS_openat2, AT_FDCWD, (link + "/lib").c_str(), &how, sizeof(how)) < 0 && errno == ELOOP;
}

// The copy is on the stack: a page of constants that was never touched cannot be read by the kernel's
// programs.
bool set_name(const std::string& name) {
  char copy[128] = "";
  name.copy(copy, sizeof(copy));
  return sethostname(copy, name.size()) == 0;
}

bool rename_and_restore(const std::string&) {
  char before[65] = "";
  if (unshare(CLONE_NEWUTS) != 0 || gethostname(before, sizeof(before)) != 0) return false;
  return set_name("sockward-demo") && set_name(before);
}

bool rename_by_sysctl(const std::string&) {
  if (unshare(CLONE_NEWUTS) != 0) return false;
  std::ofstream file("/proc/sys/kernel/hostname");
  file << "by-sysctl\n" << std::flush;
  return file.good();
}

bool rename_denied(const std::string&) {
  return unshare(CLONE_NEWUTS) == 0 && become_nobody() && !set_name("mine-now") && errno == EPERM;
}

bool name_too_long(const std::string&) {
  const std::string name(65, 'h');
  return unshare(CLONE_NEWUTS) == 0 && !set_name(name) && errno == EINVAL;
}

constexpr Scenario kScenarios[] = {
    {"path_too_long", "bind a socket path of 127 bytes", too_long},
    {"path_truncated", "a runtime cuts a 127-byte path to 108 bytes and binds that", truncated},
    {"path_near_limit", "bind a path of 103 bytes: 4 left", near_limit},
    {"privileged_port", "an ordinary user binds port 80", privileged_port},
    {"hostname_changed", "sethostname in a fresh UTS namespace, and back at once", rename_and_restore},
    {"hostname_changed", "echo by-sysctl > /proc/sys/kernel/hostname", rename_by_sysctl},
    {"hostname_denied", "an ordinary user calls sethostname", rename_denied},
    {"hostname_too_long", "sethostname with 65 bytes", name_too_long},
    {"address_in_use", "two servers on one TCP port", address_in_use},
    {"stale_socket_unremovable",
     "root's stale socket in a sticky directory keeps an ordinary user from binding", stale_socket},
    {"symlink_refused", "openat2 with RESOLVE_NO_SYMLINKS meets a symbolic link", refused_symlink},
};

}  // namespace

bool bind_truncated(const std::string& path) {
  const bool bound = bind_path(unix_socket(), path.substr(0, 108), false) == 0;
  usleep(150'000);
  return bound;
}

std::span<const Scenario> scenarios() {
  return kScenarios;
}

}  // namespace sockward
