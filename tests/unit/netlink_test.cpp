// Netlink and its answers: no privilege is needed.
#include "host/network/netlink.hpp"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

namespace sockward {
namespace {

TEST(Netlink, ARequestWithoutAnAnswerTimesOut) {
  auto netlink = Netlink::open(NETLINK_ROUTE, std::chrono::milliseconds(20));
  ASSERT_TRUE(netlink);
  const auto answer = netlink->ask(
      [](void* buffer) {
        auto* header = static_cast<nlmsghdr*>(buffer);
        header->nlmsg_len = NLMSG_LENGTH(0);
        header->nlmsg_type = NLMSG_NOOP;
        header->nlmsg_flags = NLM_F_REQUEST;
      },
      [](const nlmsghdr*) {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, std::errc::timed_out) << answer.error().text();
  EXPECT_NE(answer.error().code, std::errc::resource_unavailable_try_again) << "that is the CPU budget";
}

}  // namespace
}  // namespace sockward
