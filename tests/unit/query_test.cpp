// Questions to the records: what a subject means, the query socket, and its limits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "base/startup_error.hpp"
#include "cli/why_text.hpp"
#include "query/query_client.hpp"
#include "query/query_request.hpp"
#include "query/query_server.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

TEST(Subject, IsResolvedByItsForm) {
  EXPECT_TRUE(parse_subject("").is_everything());
  EXPECT_EQ(parse_subject("4121"), Subject{.pid = 4121});
  EXPECT_EQ(parse_subject("/run/x.sock"), Subject{.address = "/run/x.sock"});
  EXPECT_EQ(parse_subject("unix:/run/x.sock"), Subject{.address = "/run/x.sock"});
  EXPECT_EQ(parse_subject("@name"), Subject{.address = "@name"});
  EXPECT_EQ(parse_subject("tcp:0.0.0.0:80"), Subject{.address = "0.0.0.0:80"});
  EXPECT_EQ(parse_subject("[::1]:80"), Subject{.address = "[::1]:80"});
  EXPECT_EQ(parse_subject("nginx.service"), Subject{.unit = "nginx.service"});
  EXPECT_EQ(parse_subject("docker:web"), (Subject{.container = "web", .address = "docker:web"}));
  EXPECT_EQ(parse_subject("shop/web-1"), (Subject{.pod = "web-1", .address = "shop/web-1"}));
  EXPECT_EQ(parse_subject("nginx"), (Subject{.unit = "nginx",
                                             .unit_of_service = "nginx.service",
                                             .comm = "nginx",
                                             .container = "nginx",
                                             .pod = "nginx",
                                             .address = "nginx"}));
  EXPECT_EQ(parse_subject("systemd-networkd").comm, "systemd-network") << "as the kernel cuts it";
  EXPECT_EQ(parse_subject(std::string(64, 'a')).container, std::string(12, 'a'));
  EXPECT_EQ(parse_subject("99999999999").pid, std::nullopt) << "no pid has so many digits";
  EXPECT_FALSE(parse_subject(":").is_everything());
}

TEST(QueryRequest, IsReadBack) {
  const Query query{
      .subject = "a \"b\"\n", .since_ns = 5, .after_ns = 6, .limit = 7, .names = true, .viewer = {}};
  const auto read = parse_request(to_request(query));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject, query.subject);
  EXPECT_EQ(read->since_ns, 5);
  EXPECT_EQ(read->after_ns, 6);
  EXPECT_EQ(read->limit, 7U);
  EXPECT_TRUE(read->names);
  EXPECT_EQ(to_request(query).find('\n'), std::string::npos);
  EXPECT_TRUE(parse_request("{}"));
}

TEST(QueryRequest, RefusesEverythingElse) {
  for (const char* bad :
       {"", "1", "[]", "{", "{}x", R"({"viewer":0})", R"({"uid":0})", R"({"limit":0})", R"({"limit":201})",
        R"({"limit":-1})", R"({"limit":1.5})", R"({"since":-1})", R"({"since":9223372036854775808})",
        R"({"since":9223372036854775807})", R"({"subject":1})", R"({"names":1})", "{\"subject\":\"\xff\"}"})
    EXPECT_FALSE(parse_request(bad)) << bad;
  EXPECT_FALSE(parse_request("{\"subject\":\"" + std::string(513, 'a') + "\"}"));
  EXPECT_FALSE(parse_request(std::string(4097, ' ')));
  EXPECT_FALSE(parse_request(std::string(4000, '['))) << "deep";
}

TEST(QueryParameters, AreNotTakenOnTrust) {
  const Query query{.subject = "x", .viewer = 33};
  auto good = to_parameters(query);
  ASSERT_TRUE(query_from(good));
  EXPECT_EQ(query_from(good)->viewer, std::optional<std::uint32_t>(33));
  for (const auto& [key, value] : {std::pair{"viewer", "-1"},
                                   {"viewer", ""},
                                   {"viewer", "4294967296"},
                                   {"limit", "0"},
                                   {"names", "yes"},
                                   {"since", "x"},
                                   {"after", "-5"},
                                   {"more", "1"}}) {
    auto bad = good;
    bad[key] = value;
    EXPECT_FALSE(query_from(bad)) << key << "=" << value;
  }
  good.erase("since");
  EXPECT_FALSE(query_from(good));
}

class Server : public ::testing::Test {
 protected:
  Server() { std::filesystem::create_directory(folder); }
  ~Server() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<QueryServer> start(QueryServer::Options options = {}) {
    return std::make_unique<QueryServer>(
        listen_for_queries(path), options,
        [this](const Query& query) -> std::optional<std::string> {
          viewer = query.viewer;
          return answer;
        },
        nullptr, stats);
  }
  FileDescriptor connected() const {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = ""};
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return socket;
  }
  static std::string rest_of(const FileDescriptor& socket) {
    std::string all;
    char part[4096];
    for (ssize_t got = 0; (got = recv(socket.get(), part, sizeof(part), 0)) > 0;)
      all.append(part, static_cast<std::size_t>(got));
    return all;
  }
  std::string say(const std::string& bytes) const {
    const FileDescriptor socket = connected();
    (void)send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return rest_of(socket);
  }

  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("sockward-query-{}", getpid());
  const std::string path = folder + "/query.sock";
  std::optional<std::string> answer = "{\"cut\":false,\"newest\":0}\n";
  std::optional<std::uint32_t> viewer;
  QueryStats stats;
};

TEST_F(Server, AnswersAndKnowsWhoAsks) {
  const auto server = start();
  const auto lines = ask_agent(path, {.subject = "x", .viewer = {}}, 5s);
  ASSERT_TRUE(lines) << lines.error().text();
  EXPECT_EQ(*lines, *answer);
  EXPECT_EQ(viewer, geteuid() == 0 ? std::nullopt : std::optional<std::uint32_t>(geteuid()));
  EXPECT_EQ(stats.answered, 1U);
}

TEST_F(Server, AnswersBadRequestsWithAnError) {
  const auto server = start();
  EXPECT_THAT(say("hello\n"), HasSubstr("\"error\":\"a request is one JSON object"));
  EXPECT_THAT(say("{\"uid\":0}\n"), HasSubstr("nothing else"));
  EXPECT_THAT(say(std::string(10'000, 'a')), HasSubstr("4096 bytes"));
  EXPECT_EQ(stats.bad_request, 3U);
  answer.reset();
  EXPECT_THAT(say("{}\n"), HasSubstr("does not answer"));
  EXPECT_EQ(stats.failed, 1U);
}

TEST_F(Server, ClosesClientsThatSayNothingAndGoesOn) {
  const auto server = start({.group = {}, .to_ask = 100ms});
  const FileDescriptor silent = connected();
  EXPECT_EQ(rest_of(silent), "") << "closed, not waited for";
  EXPECT_EQ(stats.slow, 1U);
  EXPECT_EQ(say("{}\n"), *answer);
}

TEST_F(Server, ClosesClientsThatDoNotRead) {
  answer = std::string(8 << 20, 'x');
  const auto server = start({.group = {}, .to_read = 100ms});
  const FileDescriptor lazy = connected();
  (void)send(lazy.get(), "{}\n", 3, MSG_NOSIGNAL);
  for (int i = 0; i < 200 && stats.slow == 0; ++i) usleep(10'000);
  EXPECT_EQ(stats.slow, 1U);
}

TEST_F(Server, HasRoomForOthersBesideOneUser) {
  const auto server = start({.group = {}, .clients_of_user = 2});
  const FileDescriptor one = connected(), two = connected();
  EXPECT_THAT(say(""), HasSubstr("too many questions open"));
  EXPECT_EQ(stats.busy, 1U);
}

TEST_F(Server, ReplacesTheFileOfAnAgentThatIsGone) {
  { const auto server = start(); }
  ASSERT_TRUE(std::filesystem::exists(path));
  const auto server = start();
  EXPECT_EQ(say("{}\n"), *answer);
  EXPECT_THROW(listen_for_queries(path), StartupError) << "one that is served is not taken away";
  EXPECT_THROW(listen_for_queries("/" + std::string(200, 'x')), StartupError);
}

TEST(WhyText, ShowsAGroupAsTheTerminalViewDoes) {
  const std::string line =
      R"({"cause":"address_in_use","count":12,"first":"2026-11-27T01:00:00.0Z",)"
      R"("last":"2026-11-27T02:00:00.0Z",)"
      R"("comm":"nginx","unit":"nginx.service","record":{"attributes":{"process.pid":7,"process.user.id":33,)"
      R"("process.executable.name":"ngi\u001bnx","sockward.syscall.name":"bind","error.type":"EADDRINUSE",)"
      R"("sockward.address":"0.0.0.0:80","sockward.cause":"address_in_use","sockward.confidence":"certain",)"
      R"("sockward.evidence":["it is held"],"sockward.advice":"stop it","sockward.holder.kind":"process",)"
      R"("sockward.holder.pid":6,"sockward.holder.comm":"caddy","sockward.holder.user.id":0}}})";
  const std::string text = group_to_terminal(line, {.colour = false, .columns = 200}, {0});
  EXPECT_THAT(
      text,
      HasSubstr("bind      EADDRINUSE   0.0.0.0:80  ngi\\x1bnx[7] uid=33 unit=nginx.service (12 times"));
  EXPECT_THAT(text, HasSubstr("\n   holder caddy[6] uid 0\n   cause  address_in_use (certain): it is held"));
  EXPECT_THAT(text, HasSubstr("\n   fix    stop it"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(WhyText, TakesNothingOnTrust) {
  for (const char* bad : {"", "x", "[]", "{}", R"({"record":1})", R"({"record":{"attributes":[]}})"})
    EXPECT_EQ(group_to_terminal(bad, {}, {0}), "") << bad;
  EXPECT_NE(group_to_terminal(R"({"record":{"attributes":{"sockward.evidence":[1,{}],"process.pid":-1}}})",
                              {}, {0}),
            "");
  EXPECT_FALSE(parse_answer_header("{}"));
  EXPECT_FALSE(parse_answer_header(R"({"newest":"1","cut":false})"));
  EXPECT_EQ(parse_answer_header(R"({"error":"no","next":"wait"})")->error, "no");
  EXPECT_EQ(name_in_answer(R"({"name":"a\u001b"})"), "a\\x1b");
}

}  // namespace
}  // namespace sockward::test
