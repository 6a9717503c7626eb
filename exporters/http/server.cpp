#include "http/server.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <charconv>
#include <thread>

#include "base/startup_error.hpp"
#include "http/authentication.hpp"
#include "http/tls.hpp"

namespace sockward {
namespace {

constexpr time_t kTimeoutSeconds = 5;
/// A kept connection keeps its thread, so that a scraper each would lock out all others: none is kept.
constexpr std::size_t kThreads = 3, kRequestsOfAConnection = 1, kLargestRequest = std::size_t{64} * 1024;

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
                      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                      "base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
}

httplib::Server::Handler adapt(HttpHandler handler, std::function<bool()> may_see_names) {
  return [handler = std::move(handler), may_see_names = std::move(may_see_names)](
             const httplib::Request& request, httplib::Response& response) {
    HttpRequest plain;
    plain.may_see_names = may_see_names();
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

/// What all listeners have in common.
struct HttpServer::Shared {
  HttpOptions options;
  std::map<std::string, HttpRoute> routes;
  Authentication authentication;
  std::unique_ptr<TlsKeeper> tls;

  using Verdict = httplib::Server::HandlerResponse;

  Verdict before(const httplib::Request& request, httplib::Response& response) {
    const auto web = options.web ? options.web->now() : nullptr;
    add_security_headers(response);
    if (web)
      for (const auto& [name, value] : web->headers) replace_header(response, name, value);
    if (!host_is_accepted(request.get_header_value("Host"), options.allowed_hosts))
      return refuse(response, 421,
                    "Misdirected request: this Host is not served here (see --web.allowed-host).\n");
    // Answered before its body is read: one without a Content-Length would be waited for.
    if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      return refuse(response, 405, "405: only GET and HEAD are served\n");
    }
    const auto route = routes.find(request.path);
    if (route == routes.end() || route->second.access == HttpRoute::Access::open) return Verdict::Unhandled;
    if (web && !web->users.empty()) {
      if (authentication.accepts(request.get_header_value("Authorization"), web->users))
        return Verdict::Unhandled;
      response.set_header("WWW-Authenticate", "Basic realm=\"sockward\"");
      return refuse(response, 401, "Unauthorized\n");
    }
    if (route->second.access == HttpRoute::Access::personal && !options.open_ui)
      return refuse(response, 404,
                    "404: served to authenticated users (web.config.file), or with --web.enable-ui\n");
    return Verdict::Unhandled;
  }

  /// Of a guarded path's handler: it runs only for authenticated users where there are users.
  bool may_see_names() const {
    return options.open_ui || (options.web && !options.web->now()->users.empty());
  }

  static Verdict refuse(httplib::Response& response, int status, const char* text) {
    response.status = status;
    response.set_content(text, "text/plain; charset=utf-8");
    return Verdict::Handled;
  }

  static void replace_header(httplib::Response& response, const std::string& name, const std::string& value) {
    response.headers.erase(name);
    response.set_header(name, value);
  }
};

class HttpServer::Listener {
 public:
  Listener(const ListenAddress& address, Shared& shared) : server_(make_server(shared)) {
    configure(shared);
    for (const auto& [path, route] : shared.routes)
      server_->Get(path, adapt(route.handler, [&shared] { return shared.may_see_names(); }));
    bind(address);
    thread_ = std::thread([this, &shared] {
      if (shared.options.on_thread) shared.options.on_thread();
      server_->listen_after_bind();  // starts the threads that answer
    });
    // stop() does nothing before the accept loop runs, which this version of httplib cannot signal.
    while (!server_->is_running()) std::this_thread::yield();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    server_->stop();
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  static std::unique_ptr<httplib::Server> make_server(Shared& shared) {
    if (!shared.tls) return std::make_unique<httplib::Server>();
    return std::make_unique<httplib::SSLServer>(
        [&](SSL_CTX& context) { return shared.tls->prepare(context); });
  }

  void configure(Shared& shared) {
    server_->set_socket_options(reuse_address_only);
    server_->set_read_timeout(kTimeoutSeconds);
    server_->set_write_timeout(kTimeoutSeconds);
    server_->set_keep_alive_max_count(kRequestsOfAConnection);
    server_->set_payload_max_length(kLargestRequest);
    server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // httplib takes ownership
    server_->set_pre_routing_handler([&shared](const httplib::Request& request, httplib::Response& response) {
      return shared.before(request, response);
    });
    server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) response.set_content(fmt::format("{}\n", response.status), "text/plain");
    });
  }

  void bind(const ListenAddress& address) {
    errno = 0;
    if (address.port == 0) {
      const int port = server_->bind_to_any_port(address.host);
      port_ = port < 0 ? 0 : static_cast<std::uint16_t>(port);
    } else if (server_->bind_to_port(address.host, address.port)) {
      port_ = address.port;
    }
    if (port_ != 0) return;
    const int error = errno;
    throw failure(fmt::format("cannot listen on {}:{}: {}", address.host, address.port,
                              error != 0 ? strerrordesc_np(error) : "the address cannot be had"),
                  "another process may have the port (`ss -ltnp`); choose one with --web.listen-address");
  }

  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  std::uint16_t port_ = 0;
};

HttpServer::HttpServer(HttpOptions options, std::map<std::string, HttpRoute> routes)
    : shared_(std::make_unique<Shared>()) {
  shared_->options = std::move(options);
  shared_->routes = std::move(routes);
  if (shared_->options.web && shared_->options.web->now()->tls) {
    shared_->tls = std::make_unique<TlsKeeper>(shared_->options.web);
    shared_->tls->check();
  }
  for (const auto& address : shared_->options.listen)
    listeners_.push_back(std::make_unique<Listener>(address, *shared_));
}

HttpServer::~HttpServer() = default;

std::vector<std::uint16_t> HttpServer::ports() const {
  std::vector<std::uint16_t> result;
  for (const auto& listener : listeners_) result.push_back(listener->port());
  return result;
}

}  // namespace sockward
