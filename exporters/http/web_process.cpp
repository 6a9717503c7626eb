#include "http/web_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include <csignal>

#include "base/log.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

HttpResponse ask(PageChannel& channel, const std::string& path, const HttpRequest& request) {
  const auto answer = channel.ask(encode(AskedPage{path, request}));
  auto response = answer ? decode_response(*answer) : std::nullopt;
  if (!response) return {.status = 503, .body = "the agent does not answer\n"};
  return std::move(*response);
}

HttpHandler asking(PageChannel& channel, std::string path) {
  return
      [&channel, path = std::move(path)](const HttpRequest& request) { return ask(channel, path, request); };
}

HttpResponse answer(const HttpHandler& handler, const HttpRequest& request) {
  try {
    return handler(request);
  } catch (const std::exception& error) {  // memory, say
    log_error("cannot render a page: {}", error.what());
    return {.status = 500, .body = "the page cannot be made\n"};
  }
}

/// Records are written to standard output by the agent alone: a reader must see its end when the agent ends.
void leave_standard_streams() {
  const FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(null.get(), STDIN_FILENO);
  dup2(null.get(), STDOUT_FILENO);
}

/// For the threads that listen, which have nobody to throw to.
void confine_or_end(const std::function<void()>& confine) {
  try {
    confine();
  } catch (const StartupError& error) {
    log_error("{}; next: {}", error.what(), error.next_step());
    _exit(1);
  }
}

/// The other process: serves until the agent's end of the channel is closed.
[[noreturn]] void serve(WebProcess::Options options, const std::map<std::string, HttpRoute>& routes,
                        PageChannel& channel, pid_t agent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != agent) _exit(1);
  prctl(PR_SET_NAME, "sockward-web");
  leave_standard_streams();
  std::map<std::string, HttpRoute> asked;
  for (const auto& [path, route] : routes) asked[path] = {route.access, asking(channel, path)};
  options.http.on_thread = [confine = options.confine] { confine_or_end(confine); };
  auto nobody_asks = channel.hold();  // a client may come before the agent knows the ports
  try {
    const HttpServer server(std::move(options.http), std::move(asked));
    const auto ask_agent = [&channel](const std::string& path, const HttpRequest& request) {
      return ask(channel, path, request);
    };
    const auto beside =
        options.beside ? options.beside(ask_agent, [confine = options.confine] { confine_or_end(confine); })
                       : nullptr;
    options.confine();
    if (!channel.send(encode(WebStart{.ports = server.ports(), .error = {}, .next_step = {}}))) _exit(1);
    nobody_asks.unlock();
    pollfd end{.fd = channel.fd(), .events = POLLRDHUP, .revents = 0};
    while (poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
  } catch (const StartupError& error) {
    const WebStart failed{.ports = {},
                          .error = error.what(),
                          .next_step = error.next_step(),
                          .usage = error.kind() == StartupError::Kind::usage};
    if (!channel.send(encode(failed))) _exit(1);
  }
  _exit(0);
}

}  // namespace

WebProcess::WebProcess(Options options, std::map<std::string, HttpRoute> routes)
    : routes_(std::move(routes)) {
  std::map<std::string, HttpRoute> listed = routes_;
  for (auto& [path, handler] : options.unlisted)
    routes_[path] = {HttpRoute::Access::personal, std::move(handler)};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw failure(last_error("make a connection for the process that serves HTTP").text(),
                  "raise the limit of open files");
  FileDescriptor here(ends[0]), there(ends[1]);
  const pid_t agent = getpid();
  process_ = fork();
  if (process_ < 0)
    throw failure(last_error("start the process that serves HTTP").text(), "raise the limit of processes");
  if (process_ == 0) {
    here.reset();
    PageChannel channel(std::move(there));
    serve(std::move(options), listed, channel, agent);
  }
  there.reset();
  channel_ = std::make_unique<PageChannel>(std::move(here));
  const auto told = channel_->receive(PageChannel::kLongestRequest);
  const auto start = told ? decode_start(*told) : std::nullopt;
  if (!start || !start->error.empty()) {
    int status = 0;
    if (told) kill(process_, SIGKILL);  // else it is gone already, and its status says how
    waitpid(process_, &status, 0);
    if (!start)
      throw failure(
          fmt::format("sockward-web exited at once ({} {})", WIFSIGNALED(status) ? "signal" : "exit code",
                      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)),
          "see the messages before this one");
    throw StartupError(start->usage ? StartupError::Kind::usage : StartupError::Kind::failure, start->error,
                       start->next_step);
  }
  ports_ = start->ports;
  pages_ = std::thread([this, limit = std::move(options.on_page_thread)] {
    if (limit) limit();
    answer_requests();
  });
}

WebProcess::~WebProcess() {
  channel_->shut_down();
  pages_.join();
  // It ends by itself, after the answers that are being written; but a client may be slow.
  constexpr int kTries = 100;
  constexpr useconds_t kBetween = 10'000;
  for (int i = 0; i < kTries; ++i) {
    if (waitpid(process_, nullptr, WNOHANG) != 0) return;
    usleep(kBetween);
  }
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void WebProcess::answer_requests() {
  for (;;) {
    const auto message = channel_->receive(PageChannel::kLongestRequest);
    const auto page = message ? decode_page(*message) : std::nullopt;
    const auto route = page ? routes_.find(page->path) : routes_.end();
    if (route == routes_.end()) break;  // it is gone, or no longer what it was
    if (!channel_->send(encode(answer(route->second.handler, page->request)))) break;
  }
  alive_ = false;
  channel_->shut_down();
}

}  // namespace sockward
