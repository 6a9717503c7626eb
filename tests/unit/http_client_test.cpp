// Posts that cannot be made.
#include "http/client.hpp"

#include <gtest/gtest.h>

#include "support/without_threads.hpp"

namespace sockward::test {
namespace {

TEST(HttpClient, WithoutAThreadThePostFails) {
  EXPECT_EQ(without_threads([] {
              HttpTarget target;
              target.url = "http://127.0.0.1:1";
              HttpClient client(target);
              const auto post = client.post("/", "[]", "application/json");
              return !post && post.error().operation.starts_with("start a thread") ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace sockward::test
