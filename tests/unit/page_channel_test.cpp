#include "http/page_channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

namespace sockward {
namespace {

struct Ends {
  Ends() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    web = std::make_unique<PageChannel>(FileDescriptor(fds[0]));
    agent = std::make_unique<PageChannel>(FileDescriptor(fds[1]));
  }
  std::unique_ptr<PageChannel> web, agent;
};

TEST(PageMessages, SayWhatWasPutIn) {
  AskedPage page{.path = "/api/v1/diagnoses",
                 .request = {.parameters = {{"limit", "7"}, {"", "\xff"}}, .may_see_names = true}};
  const auto asked = decode_page(encode(page));
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->path, page.path);
  EXPECT_EQ(asked->request.parameters, page.request.parameters);
  EXPECT_TRUE(asked->request.may_see_names);
  const auto response = decode_response(
      encode(HttpResponse{.status = 404, .content_type = "a/b", .body = std::string("\0x", 2)}));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, std::string("\0x", 2));
  const auto start =
      decode_start(encode(WebStart{.ports = {9966, 443}, .error = "e", .next_step = "n", .usage = true}));
  ASSERT_TRUE(start);
  EXPECT_EQ(start->ports, (std::vector<std::uint16_t>{9966, 443}));
  EXPECT_EQ(start->error + start->next_step, "en");
  EXPECT_TRUE(start->usage);
}

TEST(PageMessages, CutOrLongerOnesAreRefused) {
  const std::string whole =
      encode(AskedPage{.path = "/metrics", .request = {.parameters = {{"a", "b"}}, .may_see_names = false}});
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
    EXPECT_FALSE(decode_page(whole.substr(0, bytes))) << bytes;
  EXPECT_FALSE(decode_page(whole + "x"));
  std::string many = whole;
  many.replace(4 + 8 + 4, 4, "\xff\xff\xff\xff");  // so many parameters
  EXPECT_FALSE(decode_page(many));
  EXPECT_FALSE(decode_response(encode(HttpResponse{.status = 99, .body = {}})));
}

TEST(PageChannel, AsksAndAnswersUntilOneEndIsShut) {
  Ends ends;
  std::thread agent([&] {
    for (;;) {
      const auto message = ends.agent->receive(PageChannel::kLongestRequest);
      if (!message || !ends.agent->send("answer to " + *message)) return;
    }
  });
  EXPECT_EQ(*ends.web->ask("one"), "answer to one");
  EXPECT_EQ(*ends.web->ask(""), "answer to ");
  ends.agent->shut_down();
  EXPECT_FALSE(ends.web->ask("two"));
  agent.join();
}

TEST(PageChannel, AMessageThatIsTooLongIsNotTaken) {
  Ends ends;
  ASSERT_TRUE(ends.web->send(std::string(100, 'x')));
  EXPECT_EQ(ends.agent->receive(99).error().code, std::errc::message_size);
}

}  // namespace
}  // namespace sockward
