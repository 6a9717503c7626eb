#include "http/client.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "base/startup_error.hpp"

namespace sockward {
namespace {

struct Url {
  std::string origin, prefix;
};

Url split(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (!known || scheme + 3 >= url.size() || url.find_first_of(" \t\n\r") != std::string::npos)
    throw usage_error(fmt::format("\"{}\" is not a URL", url),
                      "write http://host:port or https://host:port/prefix");
  const std::size_t slash = url.find('/', scheme + 3);
  Url parts{url.substr(0, slash), slash == std::string::npos ? "" : url.substr(slash)};
  while (parts.prefix.ends_with('/')) parts.prefix.pop_back();
  return parts;
}

void require_readable(const std::string& file) {
  if (!file.empty() && access(file.c_str(), R_OK) != 0)
    throw usage_error(last_error("read " + file).text(), "check the path and its permissions");
}

/// The first line: secrets come with a newline at their end.
Result<std::string> read_secret(const std::string& file) {
  std::ifstream stream(file);
  std::string secret;
  if (!std::getline(stream, secret)) return last_error("read " + file);
  return secret;
}

/// Answers are short; what goes on for longer is none.
constexpr std::size_t kLongestAnswer = 64 << 10;

/// Ends a request that is not over in time: the library's own limits are for each read, and a server that
/// sends a byte now and then would never reach them.
class Deadline {
 public:
  Deadline(httplib::Client& client, std::chrono::seconds time)
      : watch_([this, &client, time](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          changed_.wait_for(lock, stop, time, [] { return false; });
          if (!stop.stop_requested()) client.stop();
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread watch_;  // last: it uses everything above
};

}  // namespace

struct HttpClient::Connection {
  explicit Connection(const HttpTarget& target, const std::string& origin)
      : client(target.cert_file.empty() ? httplib::Client(origin)
                                        : httplib::Client(origin, target.cert_file, target.key_file)) {}
  httplib::Client client;
};

HttpClient::HttpClient(HttpTarget target) : target_(std::move(target)) {
  const Url url = split(target_.url);
  prefix_ = url.prefix;
  for (const auto& file : {target_.password_file, target_.bearer_token_file, target_.ca_file,
                           target_.cert_file, target_.key_file})
    require_readable(file);
  connection_ = std::make_unique<Connection>(target_, url.origin);
  httplib::Client& client = connection_->client;
  if (!client.is_valid())
    throw usage_error(fmt::format("cannot use \"{}\" with its certificate and key", target_.url),
                      "check that cert_file and key_file belong together");
  client.set_connection_timeout(target_.timeout);
  client.set_read_timeout(target_.timeout);
  client.set_write_timeout(target_.timeout);
  client.set_keep_alive(true);
  client.set_follow_location(false);
  if (!target_.ca_file.empty()) client.set_ca_cert_path(target_.ca_file);
}

HttpClient::~HttpClient() = default;

void HttpClient::stop() {
  connection_->client.stop();
}

Result<int> HttpClient::post(const std::string& path, const std::string& body,
                             const std::string& content_type) {
  const auto answer = send("POST", path, body, content_type);
  if (!answer) return answer.error();
  return answer->status;
}

Result<std::multimap<std::string, std::string>> HttpClient::headers() const {
  std::multimap<std::string, std::string> headers(target_.headers.begin(), target_.headers.end());
  if (!target_.bearer_token_file.empty()) {
    const auto token = read_secret(target_.bearer_token_file);
    if (!token) return token.error();
    headers.emplace("Authorization", "Bearer " + *token);
  } else if (!target_.username.empty()) {
    const auto password = target_.password_file.empty() ? Result<std::string>(std::string())
                                                        : read_secret(target_.password_file);
    if (!password) return password.error();
    headers.insert(httplib::make_basic_authentication_header(target_.username, *password));
  }
  return headers;
}

Result<HttpAnswer> HttpClient::send(const std::string& method, const std::string& path,
                                    const std::string& body, const std::string& content_type) {
  const auto wanted = headers();
  if (!wanted) return wanted.error();
  httplib::Request request;
  request.method = method;
  request.path = prefix_ + path;
  request.headers.insert(wanted->begin(), wanted->end());
  request.set_header("Content-Type", content_type);
  request.body = body;
  std::string received;
  request.content_receiver = [&received](const char* data, std::size_t bytes, std::uint64_t, std::uint64_t) {
    if (received.size() + bytes > kLongestAnswer) {
      received.resize(kLongestAnswer + 1);
      return false;
    }
    received.append(data, bytes);
    return true;
  };
  httplib::Response answer;
  auto error = httplib::Error::Success;
  bool complete = false;
  try {
    const Deadline deadline(connection_->client, target_.timeout);
    complete = connection_->client.send(request, answer, error);
  } catch (const std::system_error& none) {
    return Error{none.code(), "start a thread to post to " + target_.url};
  }
  if (!complete)
    return make_error(
        std::errc::host_unreachable,
        "post to " + target_.url + " (" +
            (received.size() > kLongestAnswer ? "the answer does not end" : httplib::to_string(error)) + ")");
  return HttpAnswer{answer.status, answer.get_header_value("Retry-After"), std::move(received)};
}

}  // namespace sockward
