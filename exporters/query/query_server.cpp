#include "query/query_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "query/query_request.hpp"

namespace sockward {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Peer {
  uid_t user = 0;
  bool is_member = false;
};

/// Who connected, from the kernel; nullopt: it does not say.
std::optional<Peer> peer_of(int socket, std::optional<gid_t> group) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  Peer peer{.user = credentials.uid, .is_member = group && credentials.gid == *group};
  constexpr std::size_t kMostGroups = 65536;  // NGROUPS_MAX
  std::vector<gid_t> groups(64);
  socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int done = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
  if (done != 0 && errno == ERANGE && bytes <= kMostGroups * sizeof(gid_t)) {
    groups.resize(bytes / sizeof(gid_t));
    done = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
  }
  if (done == 0 && group) {
    groups.resize(bytes / sizeof(gid_t));
    peer.is_member |= std::find(groups.begin(), groups.end(), *group) != groups.end();
  }
  return peer;
}

}  // namespace

QueryServer::QueryServer(FileDescriptor listener, Options options, Ask ask, std::function<void()> on_thread,
                         QueryStats& stats)
    : listener_(std::move(listener)), options_(options), ask_(std::move(ask)), stats_(stats) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) == 0) {
    woken_.reset(ends[0]);
    wake_.reset(ends[1]);
  }
  thread_ = std::thread([this, on_thread = std::move(on_thread)] {
    if (on_thread) on_thread();
    serve();
  });
}

QueryServer::~QueryServer() {
  wake_.reset();
  thread_.join();
}

void QueryServer::serve() {
  constexpr int kLongestWaitMs = 1000;
  for (;;) {
    std::vector<pollfd> waited;
    waited.push_back({.fd = woken_.get(), .events = 0, .revents = 0});
    const bool room = clients_.size() < options_.clients;
    waited.push_back({.fd = room ? listener_.get() : -1, .events = POLLIN, .revents = 0});
    int wait_ms = clients_.empty() ? -1 : kLongestWaitMs;
    for (const Client& client : clients_) {
      const short events = client.answered ? POLLOUT : POLLIN;
      waited.push_back({.fd = client.socket.get(), .events = events, .revents = 0});
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(client.end - SteadyClock::now()).count();
      wait_ms = std::clamp(static_cast<int>(left), 0, wait_ms);
    }
    if (poll(waited.data(), waited.size(), wait_ms) < 0 && errno != EINTR) return;
    if (waited[0].revents != 0) return;
    auto event = waited.begin() + 2;
    for (auto client = clients_.begin(); client != clients_.end(); ++event) {
      const bool over = SteadyClock::now() > client->end;
      if (over) ++stats_.slow;
      client = !over && go_on(*client, event->revents) ? std::next(client) : clients_.erase(client);
    }
    if ((waited[1].revents & POLLIN) != 0) accept_one();
  }
}

bool QueryServer::may_come(const Client& client) const {
  const auto same = [&client](const Client& other) { return other.user == client.user; };
  return std::count_if(clients_.begin(), clients_.end(), same) < static_cast<long>(options_.clients_of_user);
}

void QueryServer::accept_one() {
  Client client;
  client.socket.reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.socket.valid()) return;
  const auto peer = peer_of(client.socket.get(), options_.group);
  if (!peer) return;
  client.user = peer->user;
  client.sees_all = peer->user == 0 || peer->is_member;
  client.end = SteadyClock::now() + options_.to_ask;
  const bool welcome = may_come(client);
  clients_.push_back(std::move(client));
  if (welcome) return;
  ++stats_.busy;
  refuse(clients_.back(), "this user has too many questions open", "try again in a moment");
}

/// Tokens that come back with time.
bool QueryServer::may_ask(uid_t user) {
  constexpr std::size_t kMostUsers = 1024;
  if (user == 0) return true;
  const auto now = SteadyClock::now();
  if (allowances_.size() >= kMostUsers)  // whoever has waited for a second has all tokens again
    std::erase_if(allowances_,
                  [now](const auto& one) { return now - one.second.since > std::chrono::seconds(1); });
  if (allowances_.size() >= kMostUsers) return false;
  const auto [known, fresh] = allowances_.try_emplace(user, Allowance{options_.per_second, now});
  Allowance& allowance = known->second;
  allowance.left += std::chrono::duration<double>(now - allowance.since).count() * options_.per_second;
  allowance.left = std::min(allowance.left, options_.per_second);
  allowance.since = now;
  if (allowance.left < 1) return false;
  allowance.left -= 1;
  return true;
}

/// false: it is done, and to be closed.
bool QueryServer::go_on(Client& client, short events) {
  if (events == 0) return true;
  if (client.answered) return write_answer(client);
  if ((events & (POLLIN | POLLHUP)) != 0) return read_request(client);
  return false;
}

bool QueryServer::read_request(Client& client) {
  char part[kLongestQueryRequest + 2];
  const ssize_t got = recv(client.socket.get(), part, sizeof(part), 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got <= 0) {  // it left before it had asked
    ++stats_.slow;
    return false;
  }
  client.bytes.append(part, static_cast<std::size_t>(got));
  const std::size_t end = client.bytes.find('\n');
  if (end == std::string::npos && client.bytes.size() <= kLongestQueryRequest) return true;
  client.bytes.resize(std::min(end, client.bytes.size()));
  answer(client);
  return write_answer(client);
}

void QueryServer::refuse(Client& client, std::string_view why, std::string_view next_step) {
  client.bytes = error_line(why, next_step);
  client.answered = true;
  client.end = SteadyClock::now() + options_.to_read;
}

void QueryServer::answer(Client& client) {
  auto query = parse_request(client.bytes);
  if (!query) {
    ++stats_.bad_request;
    return refuse(client, query.error().operation, "see docs/contract.md, query socket");
  }
  if (!may_ask(client.user)) {
    ++stats_.busy;
    return refuse(client, "this user asks too often", "try again in a second");
  }
  if (!client.sees_all) query->viewer = client.user;
  auto lines = ask_(*query);
  if (!lines) {
    ++stats_.failed;
    return refuse(client, "the agent does not answer", "see its log");
  }
  // An answer that is an error: the store cannot be read.
  ++(lines->starts_with("{\"error\"") ? stats_.failed : stats_.answered);
  client.bytes = std::move(*lines);
  client.answered = true;
  client.end = SteadyClock::now() + options_.to_read;
}

bool QueryServer::write_answer(Client& client) {
  while (client.sent < client.bytes.size()) {
    const ssize_t done = send(client.socket.get(), client.bytes.data() + client.sent,
                              client.bytes.size() - client.sent, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EAGAIN) return true;
    if (done < 0) {  // it left without its answer
      ++stats_.slow;
      return false;
    }
    client.sent += static_cast<std::size_t>(done);
  }
  shutdown(client.socket.get(), SHUT_WR);
  return false;
}

}  // namespace sockward
