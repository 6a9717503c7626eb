// no_answer: nothing answered a connect in time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using NoAnswer = DiagnosisTest;

TEST_F(NoAnswer, SilenceIsLikelyForWhoDroppedThePacketsCannotBeSeen) {
  const Diagnosis found = diagnose(inet_connect(ETIMEDOUT, tcp4("192.0.2.1", 80)));
  EXPECT_EQ(found.cause, Cause::no_answer);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_FALSE(found.holder);
  EXPECT_EQ(diagnose(path_connect(ETIMEDOUT)).cause, Cause::unknown) << "AF_UNIX has no SYNs";
}

TEST_F(NoAnswer, SilenceOfALocalListenerIsItsAcceptQueueOnlyIfThatIsFull) {
  const Event event = inet_connect(ETIMEDOUT, tcp4("127.0.0.1", 80));
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "busy", 555));
  host.open_sockets[0].backlog = 1;
  host.open_sockets[0].queue = 2;
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::no_answer);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("accept queue is full now: 2 wait, its backlog is 1")));
  host.open_sockets[0].queue = 1;
  EXPECT_FALSE(diagnose(event).holder) << "there is room for one";
}

TEST_F(NoAnswer, ARefusalARouterAndABindAreNoSilence) {
  host.address_is_local = false;
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp4("192.0.2.1", 80))).cause, Cause::refused_by_peer);
  EXPECT_EQ(diagnose(inet_connect(EHOSTUNREACH, tcp4("192.0.2.1", 80))).cause, Cause::unreachable);
  EXPECT_EQ(diagnose(inet_bind(ETIMEDOUT, tcp4("192.0.2.1", 8080))).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
