#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/web_config.hpp"

namespace sockward {

struct HttpRequest {
  std::map<std::string, std::string> parameters;  ///< of the query; raw
  bool may_see_names = false;                     ///< an authenticated user, or open_ui is set
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct ListenAddress {
  std::string host;  ///< "127.0.0.1", "::1"
  std::uint16_t port = 0;
};
/// "127.0.0.1:9966", "[::1]:9966", ":9966" (every address). Throws StartupError (usage) on anything else.
ListenAddress parse_listen_address(const std::string& text);

struct HttpOptions {
  std::vector<ListenAddress> listen;
  std::vector<std::string> allowed_hosts;  ///< names accepted in Host, besides IP addresses and localhost
  std::shared_ptr<WatchedWebConfig> web;   ///< TLS, users and headers; null: plain HTTP for everybody
  std::function<void()> on_thread;         ///< called by each listening thread before it starts others
  bool open_ui = false;                    ///< the private paths are served without authentication too
};

/// One path. `open`: served without authentication whatever is configured (health). `guarded`: with users
/// configured only to them. `personal`: as guarded, and 404 where there are no users, unless open_ui is set.
struct HttpRoute {
  enum class Access { open, guarded, personal };
  Access access = Access::guarded;
  HttpHandler handler;
};

/// Serves GET and HEAD of fixed paths, compressed when asked for. Requests whose Host is a foreign name get
/// 421: a page of the internet could otherwise point its own name here and read the answers (DNS rebinding).
class HttpServer {
 public:
  /// Listens at once. Throws StartupError when an address cannot be had.
  HttpServer(HttpOptions options, std::map<std::string, HttpRoute> routes);
  ~HttpServer();  ///< stops serving and joins its threads

  /// The ports in use, in the order of the addresses (a port of 0 was replaced by a free one).
  std::vector<std::uint16_t> ports() const;

 private:
  class Listener;
  struct Shared;
  std::unique_ptr<Shared> shared_;  // declared first: the listeners use it
  std::vector<std::unique_ptr<Listener>> listeners_;
};

/// Is this Host header (with or without port) an IP address, localhost, or one of `allowed`? Pure.
bool host_is_accepted(const std::string& host, const std::vector<std::string>& allowed);

}  // namespace sockward
