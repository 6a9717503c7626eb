// Any bytes as an HTTP connection to a server with open, guarded and personal pages: it answers or closes,
// and goes on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/server.hpp"

namespace {

using namespace sockward;

HttpResponse echo(const HttpRequest& request) {
  std::string body;
  for (const auto& [key, value] : request.parameters) body += key + "=" + value + "\n";
  return {.body = body};
}

HttpServer& server() {
  static HttpServer one({.listen = {{.host = "127.0.0.1", .port = 0}},
                         .allowed_hosts = {"node"},
                         .web = nullptr,
                         .on_thread = {},
                         .open_ui = false},
                        {{"/", {HttpRoute::Access::guarded, echo}},
                         {"/-/healthy", {HttpRoute::Access::open, echo}},
                         {"/api/v1/diagnoses", {HttpRoute::Access::personal, echo}}});
  return one;
}

/// What came back for the bytes before the server closed the connection, or said nothing for a while. (Half a
/// close would end it: httplib answers nobody who cannot write any more.)
std::string talk(std::string bytes, int patience_ms) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address{.sin_family = AF_INET,
                            .sin_port = htons(server().ports().front()),
                            .sin_addr = {htonl(INADDR_LOOPBACK)},
                            .sin_zero = {}};
  const timeval patience{.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) std::abort();
  bytes += "\r\n\r\n";  // the end of headers, where they have none
  (void)send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::string answer;
  char part[4096];
  for (ssize_t got = 0; (got = recv(fd, part, sizeof(part), 0)) > 0;)
    answer.append(part, static_cast<std::size_t>(got));
  close(fd);
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::signal(SIGPIPE, SIG_IGN);  // as the agent does
  (void)server();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kShort = 5, kLong = 6000;  // ms
  const std::string answer = talk(std::string(reinterpret_cast<const char*>(data), size), kShort);
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  static unsigned runs = 0;
  if (++runs % 256 != 0) return 0;
  const std::string alive = talk("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close", kLong);
  if (!alive.starts_with("HTTP/1.1 200 ")) std::abort();
  return 0;
}
