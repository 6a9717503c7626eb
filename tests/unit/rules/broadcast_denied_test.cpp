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

}  // namespace
}  // namespace sockward::test
