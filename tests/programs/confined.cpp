// Makes calls under a profile of AppArmor or in a domain of SELinux, for scripts/test-lsm.
//
//   confined LABEL UID CALL...
//
// LABEL: apparmor:PROFILE, selinux:CONTEXT, or none. It takes on the label and the user, then it makes the
// calls: bind=PATH, connect=PATH, unlink=PATH, bind=:PORT, connect=:PORT, serve=PATH (bind and listen). Each
// has a line of output: the call and its errno. thread-unlink=PATH is made by another thread. relabel=LABEL
// takes on another label in between, wait=SECONDS waits. With AppArmor sockets are made first, as a profile
// that refuses bind refuses socket(2), too; with SELinux later, as a socket has the label of its maker.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Call {
  std::string what, where;
  int socket = -1;

  bool is_inet() const { return where.starts_with(':'); }
};

Call call_from(const std::string& text) {
  const std::size_t equals = text.find('=');
  return {text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
}

void make_socket(Call& call) {
  if (call.what == "bind" || call.what == "serve" || call.what == "connect")
    call.socket = socket(call.is_inet() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

bool take_on(const std::string& label) {
  if (label == "none") return true;
  const std::size_t colon = label.find(':');
  const std::string name = label.substr(colon + 1);
  const std::string text = label.starts_with("apparmor:") ? "changeprofile " + name : name;
  const int file = open("/proc/thread-self/attr/current", O_WRONLY | O_CLOEXEC);
  const bool done = file >= 0 && write(file, text.data(), text.size()) > 0;
  if (!done) fprintf(stderr, "cannot take on %s: %s\n", label.c_str(), strerror(errno));
  if (file >= 0) close(file);
  return done;
}

int make(const Call& call) {
  if (call.what == "thread-unlink") {
    int error = 0;
    std::thread([&] { error = unlink(call.where.c_str()) == 0 ? 0 : errno; }).join();
    errno = error;
    return error == 0 ? 0 : -1;
  }
  if (call.what == "unlink") return unlink(call.where.c_str());
  if (call.what == "relabel") return take_on(call.where) ? 0 : -1;
  if (call.what == "wait") return static_cast<int>(sleep(static_cast<unsigned>(atoi(call.where.c_str()))));
  const auto function = call.what == "connect" ? connect : bind;
  if (call.is_inet()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(atoi(call.where.c_str() + 1)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return function(call.socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, call.where.c_str(), sizeof(address.sun_path) - 1);
  const auto length = offsetof(sockaddr_un, sun_path) + call.where.size() + 1;
  const int result =
      function(call.socket, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
  return result != 0 || call.what != "serve" ? result : listen(call.socket, 8);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fputs("usage: confined apparmor:PROFILE|selinux:CONTEXT|none UID CALL...\n", stderr);
    return 2;
  }
  std::vector<Call> calls;
  for (int i = 3; i < argc; ++i) calls.push_back(call_from(argv[i]));
  const std::string label = argv[1];
  const bool labels_sockets = label.starts_with("selinux:");
  if (!labels_sockets) std::for_each(calls.begin(), calls.end(), make_socket);
  if (!take_on(label)) return 1;
  if (labels_sockets) std::for_each(calls.begin(), calls.end(), make_socket);
  if (setuid(static_cast<uid_t>(atoi(argv[2]))) != 0) return 1;
  for (const Call& call : calls) {
    errno = 0;
    const int result = make(call);
    printf("%d %s=%s %s\n", getpid(), call.what.c_str(), call.where.c_str(),
           result == 0 ? "ok" : strerrorname_np(errno));
    fflush(stdout);
  }
  return 0;
}
