// broadcast_denied: a connect to a broadcast address. Likely at most: other layers answer EACCES, too.
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using BroadcastDenied = DiagnosisTest;

TEST_F(BroadcastDenied, BroadcastIsLikely) {
  Event event = inet_bind(EACCES, tcp4("255.255.255.255", 9));
  event.syscall = Syscall::connect;
  EXPECT_EQ(diagnose(event).cause, Cause::broadcast_denied);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
  std::get<SocketCall>(event.call).address = tcp4("127.0.0.1", 9);
  EXPECT_NE(diagnose(event).cause, Cause::broadcast_denied);
}

TEST_F(BroadcastDenied, ThatOfALinkIsKnownFromTheRoutingTable) {
  const Event event = inet_connect(EACCES, tcp4("192.0.2.255", 9));
  EXPECT_EQ(diagnose(event).cause, Cause::policy_denied);
  host.whole_route = Route{.broadcast = true, .interface_name = {}, .gateway = {}};
  EXPECT_EQ(diagnose(event).cause, Cause::broadcast_denied);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
}

TEST_F(BroadcastDenied, ABindAndOtherErrorsNeedNoOption) {
  EXPECT_NE(diagnose(inet_bind(EACCES, tcp4("255.255.255.255", 8080))).cause, Cause::broadcast_denied);
  EXPECT_NE(diagnose(inet_connect(ENETUNREACH, tcp4("255.255.255.255", 9))).cause, Cause::broadcast_denied);
}

}  // namespace
}  // namespace sockward::test
