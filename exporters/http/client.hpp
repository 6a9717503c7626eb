#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace sockward {

/// How an HTTP server is reached. Files are read when the client is made; token and password at every
/// request.
struct HttpTarget {
  std::string url;  ///< http://host:port/prefix or https://…
  std::string username, password_file, bearer_token_file;
  std::string ca_file, cert_file, key_file;  ///< TLS: whom to trust, who we are
  std::map<std::string, std::string> headers;
  std::chrono::seconds timeout{5};
};

struct HttpAnswer {
  int status = 0;
  std::string retry_after;  ///< the header, as it came; empty: none
  std::string body;         ///< 64 KiB at most
};

/// Posts to one server. Used by one thread, but for stop(). Follows no redirect: credentials stay where they
/// were meant for.
class HttpClient {
 public:
  /// Throws StartupError (usage) when the URL is none, or a file cannot be used.
  explicit HttpClient(HttpTarget target);
  ~HttpClient();

  /// The status of the answer. Error: there was none in time, or a credential could not be read.
  Result<int> post(const std::string& path, const std::string& body, const std::string& content_type);
  /// The same with another method, and all of the answer.
  Result<HttpAnswer> send(const std::string& method, const std::string& path, const std::string& body,
                          const std::string& content_type);
  /// Ends the request that is under way, which fails then. From any thread.
  void stop();
  const std::string& url() const { return target_.url; }

 private:
  struct Connection;
  /// Error: a credential could not be read.
  Result<std::multimap<std::string, std::string>> headers() const;

  HttpTarget target_;
  std::string prefix_;  // path part of the URL, without a slash at its end
  std::unique_ptr<Connection> connection_;
};

}  // namespace sockward
