#include "app/this_host.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <memory>

#include "base/errno_name.hpp"
#include "base/version.hpp"
#include "host/paths/host_users.hpp"
#include "host/paths/root_files.hpp"

namespace sockward {

std::optional<std::string> pid_namespace_limit() {
  constexpr ino_t kHost = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h
  struct stat own {};                  // of the first process that /proc shows
  if (stat("/proc/1/ns/pid", &own) != 0 && stat("/proc/self/ns/pid", &own) != 0)
    return "no /proc here: programs, command lines and executables of processes cannot be looked up; mount "
           "it";
  if (own.st_ino == kHost) return std::nullopt;
  return "the agent is in a pid namespace of its own: records have the host's process ids, and what /proc "
         "knows of them (command line, executable, container of a process) cannot be looked up; give it the "
         "host's (hostPID: true, --pid=host)";
}

std::optional<std::string> path_lookup_limit() {
  const FileDescriptor root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.valid() && open_below(root.get(), "/proc").valid()) return std::nullopt;
  const int error = errno;
  return fmt::format(
      "look-ups of paths are refused here (openat2: {}): what is at a path, and who is denied there, will be "
      "unknown; {}",
      errno_name(error).value_or("an error without a name"),
      error == ENOSYS || error == EPERM ? "allow openat2 in the seccomp filter that refuses it (systemd: no "
                                          "RestrictSUIDSGID=); it exists since Linux 5.6"
                                        : "let the agent read / and /proc");
}

TerminalStyle host_terminal_style(int fd) {
  TerminalStyle style = terminal_style(fd);
  style.user_text = [users = std::make_shared<HostUsers>()](std::uint32_t uid) { return users->text(uid); };
  return style;
}

Resource this_resource() {
  Resource resource{.service_version = kVersion, .host_id = {}, .host_name = {}};
  std::ifstream("/etc/machine-id") >> resource.host_id;
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  resource.host_name = name;
  return resource;
}

}  // namespace sockward
