#pragma once
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "base/file_descriptor.hpp"
#include "store/query.hpp"
#include "telemetry/query_stats.hpp"

namespace sockward {

/// Makes the socket that questions are asked at. Everybody may connect: who asks is known from the kernel.
/// The file of an agent that is gone is replaced. Throws StartupError (failure): another agent serves it, or
/// it cannot be made.
FileDescriptor listen_for_queries(const std::string& path);

/// The number of a group by its name in /etc/group; nullopt: there is none.
std::optional<gid_t> group_number(const std::string& name);

/// Answers questions on a UNIX socket, on one thread: one request and one answer for each connection. All of
/// it is bounded: clients, those of one user, questions per second, sizes, and time. A user gets the records
/// of the own uid; root, and the members of `group`, get all.
class QueryServer {
 public:
  struct Options {
    std::optional<gid_t> group;
    std::chrono::milliseconds to_ask{2000}, to_read{5000};  ///< for the request; for the answer
    std::size_t clients = 16, clients_of_user = 4;
    double per_second = 20;  ///< questions of one user, root excepted, after a burst of as many
  };
  /// The lines of an answer; nullopt: there is none. Called by the thread, which waits meanwhile.
  using Ask = std::function<std::optional<std::string>(const Query&)>;

  /// `on_thread` is called by the thread before the first client. `stats` must outlive it.
  QueryServer(FileDescriptor listener, Options options, Ask ask, std::function<void()> on_thread,
              QueryStats& stats);
  QueryServer(const QueryServer&) = delete;
  QueryServer& operator=(const QueryServer&) = delete;
  ~QueryServer();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Client {
    FileDescriptor socket;
    uid_t user = 0;
    bool sees_all = false;
    Time end;           ///< when it is closed, whatever it does
    std::string bytes;  ///< of the request, then of the answer
    std::size_t sent = 0;
    bool answered = false;
  };
  struct Allowance {
    double left = 0;
    Time since;
  };

  void serve();
  void accept_one();
  bool may_ask(uid_t user);
  bool may_come(const Client& client) const;
  bool go_on(Client& client, short events);
  bool read_request(Client& client);
  void answer(Client& client);
  void refuse(Client& client, std::string_view why, std::string_view next_step);
  bool write_answer(Client& client);

  const FileDescriptor listener_;
  const Options options_;
  const Ask ask_;
  QueryStats& stats_;
  std::list<Client> clients_;
  std::map<uid_t, Allowance> allowances_;
  FileDescriptor wake_, woken_;  // a pipe: closing one end ends the thread
  std::thread thread_;           // last: it uses everything above
};

}  // namespace sockward
