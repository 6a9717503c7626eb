#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sockward {

struct HttpRequest {
  std::map<std::string, std::string> parameters;  ///< of the query; raw
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
};

/// Serves GET and HEAD of fixed paths, compressed when asked for. Requests whose Host is a foreign name get
/// 421: a page of the internet could otherwise point its own name here and read the answers (DNS rebinding).
class HttpServer {
 public:
  /// Listens at once. Throws StartupError when an address cannot be had.
  HttpServer(const HttpOptions& options, const std::map<std::string, HttpHandler>& routes);
  ~HttpServer();  ///< stops serving and joins its threads

  /// The ports in use, in the order of the addresses (a port of 0 was replaced by a free one).
  std::vector<std::uint16_t> ports() const;

 private:
  class Listener;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

/// Is this Host header (with or without port) an IP address, localhost, or one of `allowed`? Pure.
bool host_is_accepted(const std::string& host, const std::vector<std::string>& allowed);

}  // namespace sockward
