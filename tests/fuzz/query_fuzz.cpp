// Any bytes as a connection to the query socket: it answers with lines of JSON or closes, and goes on. And as
// what sockward-web passes on, and as an answer that `sockward why` shows.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cli/why_text.hpp"
#include "query/query_request.hpp"
#include "query/query_server.hpp"

namespace {

using namespace sockward;

const std::string& place() {
  static const std::string path = "/tmp/sockward-query-fuzz-" + std::to_string(getpid()) + ".sock";
  return path;
}

/// Echoes what was understood, as one who asks for another user's records would see.
std::optional<std::string> echo(const Query& query) {
  if (query.subject.size() > Query::kLongestSubject || query.limit > Query::kMostGroups) std::abort();
  const auto passed_on = query_from(to_parameters(query));
  if (!passed_on || passed_on->subject != query.subject || passed_on->viewer != query.viewer) std::abort();
  (void)parse_subject(query.subject);
  return to_lines({}, "store");
}

QueryStats& stats() {
  static QueryStats one;
  return one;
}

QueryServer& server() {
  QueryServer::Options options;
  options.to_ask = std::chrono::milliseconds(50);
  options.per_second = 1e9;
  static QueryServer one(listen_for_queries(place()), options, echo, nullptr, stats());
  return one;
}

std::string talk(const std::string& bytes) {
  const FileDescriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = ""};
  std::strncpy(address.sun_path, place().c_str(), sizeof(address.sun_path) - 1);
  if (connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) std::abort();
  (void)send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::string answer;
  char part[4096];
  for (ssize_t got = 0; (got = recv(client.get(), part, sizeof(part), 0)) > 0;)
    answer.append(part, static_cast<std::size_t>(got));
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)server();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::string answer = talk(bytes + "\n");
  if (!answer.empty() && !parse_answer_header(answer.substr(0, answer.find('\n')))) std::abort();
  (void)query_from(
      {{"subject", bytes}, {"since", bytes}, {"after", bytes}, {"limit", bytes}, {"names", bytes}});
  const std::string text = group_to_terminal(bytes, {}, {0});
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') std::abort();  // it could steer a terminal
  (void)name_in_answer(bytes);
  return 0;
}
