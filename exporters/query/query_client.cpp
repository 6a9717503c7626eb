#include "query/query_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/file_descriptor.hpp"
#include "query/query_request.hpp"

namespace sockward {
namespace {

using Time = std::chrono::steady_clock::time_point;
constexpr std::size_t kLongestAnswer = std::size_t{4} << 20;

/// false: the time is over.
bool wait_for(int socket, short events, Time end) {
  pollfd waited{.fd = socket, .events = events, .revents = 0};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    const int ready = poll(&waited, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Result<std::string> ask_agent(const std::string& socket, const Query& query,
                              std::chrono::milliseconds patience) {
  const Time end = std::chrono::steady_clock::now() + patience;
  const std::string operation = "ask the agent at " + socket;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = ""};
  if (socket.size() >= sizeof(address.sun_path)) return make_error(std::errc::filename_too_long, operation);
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const FileDescriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval longest{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  if (!connection.valid() ||
      setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest)) != 0 ||
      connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return last_error(operation);
  const std::string request = to_request(query) + "\n";
  if (send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return last_error(operation);
  std::string answer;
  char part[65536];
  for (;;) {
    if (!wait_for(connection.get(), POLLIN, end)) return make_error(std::errc::timed_out, operation);
    const ssize_t got = recv(connection.get(), part, sizeof(part), 0);
    if (got < 0 && errno == EINTR) continue;
    // It is reset when the agent closed it before it had read all that was asked: its answer is here.
    if (got == 0 || (got < 0 && errno == ECONNRESET && !answer.empty())) break;
    if (got < 0) return last_error(operation);
    answer.append(part, static_cast<std::size_t>(got));
    if (answer.size() > kLongestAnswer) return make_error(std::errc::message_size, operation);
  }
  if (answer.empty()) return make_error(std::errc::connection_reset, operation);
  return answer;
}

}  // namespace sockward
