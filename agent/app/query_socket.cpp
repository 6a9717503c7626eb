// The query socket: served by sockward-web, answered by the agent.
#include <sys/mman.h>

#include <new>

#include "app/web.hpp"
#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "query/query_server.hpp"

namespace sockward {
namespace {

constexpr const char* kUnlisted = "query";  // no path of HTTP begins like this

/// In the agent, on the thread that makes the pages. sockward-web is not trusted to ask what can be asked.
HttpResponse answer_query(const Outputs& outputs, const HttpRequest& request) {
  const auto query = query_from(request.parameters);
  if (!query)
    return {.body = error_line("this is no question", "please report it: sockward-web passed it on")};
  const char* source = "";
  const auto answer = outputs.answer(*query, source);
  if (answer) return {.body = to_lines(*answer, source)};
  log_warn("a question to the records failed: {}", answer.error().text());
  return {.body = error_line(answer.error().text(), "see the log of the agent, and records.store")};
}

}  // namespace

void add_query_socket(WebProcess::Options& options, const Settings& settings, Served& served,
                      QueryStats& stats) {
  const std::string path = query_socket(settings);
  if (path.empty()) return;
  options.unlisted[kUnlisted] = [&served](const HttpRequest& request) {
    return answer_query(served.outputs, request);
  };
  // In the agent: looking up a group may open files and sockets.
  options.beside = [path, group = group_number(settings.query.group), &stats](const auto& ask,
                                                                              const auto& confine) {
    const auto ask_agent = [ask](const Query& query) -> std::optional<std::string> {
      auto response = ask(kUnlisted, {.parameters = to_parameters(query), .may_see_names = true});
      return response.status == 200 ? std::optional(std::move(response.body)) : std::nullopt;
    };
    QueryServer::Options server_options;
    server_options.group = group;
    return std::make_shared<QueryServer>(listen_for_queries(path), server_options, ask_agent, confine, stats);
  };
}

std::shared_ptr<QueryStats> shared_query_stats() {
  void* memory = mmap(nullptr, sizeof(QueryStats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw failure(last_error("share counters with sockward-web").text(), "free some memory");
  return {new (memory) QueryStats, [](QueryStats* stats) { munmap(stats, sizeof(QueryStats)); }};
}

}  // namespace sockward
