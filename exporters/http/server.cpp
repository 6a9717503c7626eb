#include "http/server.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <charconv>
#include <thread>

#include "base/startup_error.hpp"

namespace sockward {
namespace {

constexpr time_t kTimeoutSeconds = 5;
constexpr std::size_t kThreads = 3, kKeepAliveRequests = 100, kLargestRequest = std::size_t{64} * 1024;

bool is_ip_address(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 || inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  const std::size_t colon = host.rfind(':');
  return colon == std::string::npos ? host : host.substr(0, colon);
}

void add_security_headers(httplib::Response& response) {
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("X-Frame-Options", "DENY");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'");
}

httplib::Server::Handler adapt(HttpHandler handler) {
  return [handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
    HttpRequest plain;
    for (const auto& [key, value] : request.params) plain.parameters[key] = value;
    HttpResponse answer = handler(plain);
    response.status = answer.status;
    response.set_content(answer.body, answer.content_type);
  };
}

// cpp-httplib asks for SO_REUSEPORT by default: a second agent would silently share the port.
void reuse_address_only(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

}  // namespace

bool host_is_accepted(const std::string& host, const std::vector<std::string>& allowed) {
  const std::string name = without_port(host);
  return is_ip_address(name) || name == "localhost" ||
         std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

ListenAddress parse_listen_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto wrong = [&](const char* why) {
    return usage_error(fmt::format("--web.listen-address={}: {}", text, why),
                       "write it as 127.0.0.1:9966, [::1]:9966 or :9966");
  };
  if (colon == std::string::npos) throw wrong("there is no port");
  ListenAddress address{.host = text.substr(0, colon)};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, address.port);
  if (parsed.ec != std::errc() || parsed.ptr != end) throw wrong("the port is not a number from 0 to 65535");
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  if (address.host.empty()) address.host = "::";
  if (!is_ip_address(address.host) && address.host != "localhost")
    throw wrong("the host is not an IP address");
  return address;
}

class HttpServer::Listener {
 public:
  Listener(const ListenAddress& address, const HttpOptions& options,
           const std::map<std::string, HttpHandler>& routes) {
    configure(options);
    for (const auto& [path, handler] : routes) server_.Get(path, adapt(handler));
    bind(address);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() does nothing before the accept loop runs, which this version of httplib cannot signal.
    while (!server_.is_running()) std::this_thread::yield();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    server_.stop();
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  void configure(const HttpOptions& options) {
    server_.set_socket_options(reuse_address_only);
    server_.set_read_timeout(kTimeoutSeconds);
    server_.set_write_timeout(kTimeoutSeconds);
    server_.set_keep_alive_max_count(kKeepAliveRequests);
    server_.set_keep_alive_timeout(kTimeoutSeconds);
    server_.set_payload_max_length(kLargestRequest);
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // httplib takes ownership
    server_.set_pre_routing_handler([options](const httplib::Request& request, httplib::Response& response) {
      add_security_headers(response);
      if (host_is_accepted(request.get_header_value("Host"), options.allowed_hosts))
        return httplib::Server::HandlerResponse::Unhandled;
      response.status = 421;
      response.set_content("Misdirected request: this Host is not served here (see --web.allowed-host).\n",
                           "text/plain");
      return httplib::Server::HandlerResponse::Handled;
    });
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) response.set_content(fmt::format("{}\n", response.status), "text/plain");
    });
  }

  void bind(const ListenAddress& address) {
    errno = 0;
    if (address.port == 0) {
      const int port = server_.bind_to_any_port(address.host);
      port_ = port < 0 ? 0 : static_cast<std::uint16_t>(port);
    } else if (server_.bind_to_port(address.host, address.port)) {
      port_ = address.port;
    }
    if (port_ != 0) return;
    const int error = errno;
    throw failure(fmt::format("cannot listen on {}:{}: {}", address.host, address.port,
                              error != 0 ? strerrordesc_np(error) : "the address cannot be had"),
                  "another process may have the port (`ss -ltnp`); choose one with --web.listen-address");
  }

  httplib::Server server_;
  std::thread thread_;
  std::uint16_t port_ = 0;
};

HttpServer::HttpServer(const HttpOptions& options, const std::map<std::string, HttpHandler>& routes) {
  for (const auto& address : options.listen)
    listeners_.push_back(std::make_unique<Listener>(address, options, routes));
}

HttpServer::~HttpServer() = default;

std::vector<std::uint16_t> HttpServer::ports() const {
  std::vector<std::uint16_t> result;
  for (const auto& listener : listeners_) result.push_back(listener->port());
  return result;
}

}  // namespace sockward
