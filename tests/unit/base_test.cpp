#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "base/errno_name.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"

namespace sockward {
namespace {

TEST(PrintableText, KeepsGoodTextAsItIs) {
  for (const std::string good : {"", "plain", "Grüße", "日本", "🙂", "back\\slash"}) {
    EXPECT_EQ(printable(good).text, good);
    EXPECT_TRUE(printable(good).exact);
  }
}

TEST(PrintableText, WritesEverythingElseAsHex) {
  const std::pair<std::string, std::string> cases[] = {
      {"a\nb", "a\\x0ab"},
      {"\x1b[31m", "\\x1b[31m"},
      {std::string("n\0l", 3), "n\\x00l"},
      {"\x7f", "\\x7f"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc3", "\\xc3"},                             // cut inside a character
      {"\xc0\xaf", "\\xc0\\xaf"},                    // not the shortest form
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // past U+10FFFF
      {"\xc2\x9b", "\\xc2\\x9b"},                    // C1: a terminal may obey it
      {"\xe2\x80\xae", "\\xe2\\x80\\xae"},           // right-to-left override
      {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"}};          // zero-width space
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(printable(bytes).text, text);
    EXPECT_FALSE(printable(bytes).exact);
  }
}

TEST(Base64Text, FollowsTheStandard) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xff\xfe\xfd\xfc", "//79/A=="}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(base64(bytes), text);
}

TEST(ErrnoNames, GoBothWays) {
  EXPECT_EQ(errno_name(98), "EADDRINUSE");
  EXPECT_EQ(errno_number("ENAMETOOLONG"), 36);
  EXPECT_EQ(errno_number("EWOULDBLOCK"), 11);
  EXPECT_FALSE(errno_name(0));
  EXPECT_FALSE(errno_name(512));
  EXPECT_FALSE(errno_number("eaddrinuse"));
  for (int number = 1; number <= 133; ++number) {
    const auto name = errno_name(number);
    if (name) {
      EXPECT_EQ(errno_number(*name), number) << *name;
    }
  }
}

TEST(NearestName, ForgivesTyposAndCase) {
  const std::string_view names[] = {"bind", "connect", "unlink"};
  EXPECT_EQ(nearest("conect", names), "connect");
  EXPECT_EQ(nearest("BIND", names), "bind");
  EXPECT_EQ(nearest_errno_name("EADRINUSE"), "EADDRINUSE");
}

TEST(WallClock, WritesNanosecondsInUtc) {
  EXPECT_EQ(rfc3339({1'763'776'800'123'456'789}), "2025-11-22T02:00:00.123456789Z");
  EXPECT_EQ(rfc3339({0}), "1970-01-01T00:00:00.000000000Z");
}

TEST(QueueBetweenThreads, RefusesTheNewestWhenItIsFull) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_TRUE(queue.try_push(4));
  queue.close();
  EXPECT_FALSE(queue.try_push(5));
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 4);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(QueueBetweenThreads, LosesNothingThatItTook) {
  BoundedQueue<int> queue(16);
  long taken = 0, sum = 0;
  std::jthread consumer([&] {
    while (const auto value = queue.pop()) sum += *value;
  });
  for (int i = 1; i <= 100'000; ++i)
    if (queue.try_push(i)) taken += i;
  queue.close();
  consumer.join();
  EXPECT_EQ(sum, taken);
}

}  // namespace
}  // namespace sockward
