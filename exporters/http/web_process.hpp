#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/page_channel.hpp"
#include "http/server.hpp"

namespace sockward {

/// Serves HTTP from a process of its own, which has nothing but its listening sockets and a connection over
/// which it asks for pages: whoever takes it over can read what the pages show, and no more (docs/adr/0009).
/// The handlers run here, on one thread.
class WebProcess {
 public:
  struct Options {
    HttpOptions http;
    /// Called in the new process, by each thread that listens and by its main one, before the first request:
    /// gives up everything. Throws StartupError when it cannot: nothing is served then.
    std::function<void()> confine;
    /// Called here, by the thread that the handlers run on, before the first one.
    std::function<void()> on_page_thread;
    /// Called in the new process before it is confined: serves something else beside HTTP until what it
    /// returned is destroyed. Its threads call `confine`, too. `ask` reaches the `unlisted` handlers.
    std::function<std::shared_ptr<void>(
        std::function<HttpResponse(const std::string&, const HttpRequest&)> ask,
        std::function<void()> confine)>
        beside;
    /// What only that may ask: HTTP has no path to them. They run here, as the others.
    std::map<std::string, HttpHandler> unlisted;
  };

  /// Forks, so it comes before the first thread and before everything that the other process must not
  /// inherit. Throws StartupError when that one cannot serve.
  WebProcess(Options options, std::map<std::string, HttpRoute> routes);
  ~WebProcess();  ///< ends the other process and joins the thread
  WebProcess(const WebProcess&) = delete;
  WebProcess& operator=(const WebProcess&) = delete;

  /// The ports in use, in the order of the addresses.
  const std::vector<std::uint16_t>& ports() const { return ports_; }
  pid_t pid() const { return process_; }
  /// False once the other process is gone, or said what it never says.
  bool alive() const { return alive_; }

 private:
  void answer_requests();

  std::map<std::string, HttpRoute> routes_;
  std::unique_ptr<PageChannel> channel_;
  std::vector<std::uint16_t> ports_;
  std::atomic<bool> alive_{true};
  pid_t process_ = -1;
  std::thread pages_;  // last: it uses everything above
};

}  // namespace sockward
