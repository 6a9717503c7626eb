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

Event ended(int error, ConnectOutcome outcome, std::chrono::milliseconds elapsed, std::uint32_t syns,
            bool answered = false) {
  Event event = inet_connect(error, tcp4("192.0.2.1", 80));
  std::get<SocketCall>(event.call).end =
      ConnectEnd{.outcome = outcome, .elapsed = elapsed, .syns = syns, .answered = answered};
  return event;
}

TEST_F(NoAnswer, WhoGaveUpAfterHowLongIsSaid) {
  using std::chrono::milliseconds;
  const Event given_up = ended(ECANCELED, ConnectOutcome::given_up, milliseconds(2040), 2);
  EXPECT_TRUE(given_up.given_up());
  const Diagnosis found = diagnose(given_up);
  EXPECT_EQ(found.cause, Cause::no_answer);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains("no answer came from 192.0.2.1: the program closed the socket 2.0 s "
                                       "after the first SYN; 2 SYNs were sent"));
  EXPECT_THAT(
      diagnose(ended(ETIMEDOUT, ConnectOutcome::timed_out, milliseconds(700), 1)).evidence,
      Contains("no answer came from 192.0.2.1 (ETIMEDOUT): the kernel gave up 700.0 ms after the first SYN; "
               "1 SYN was sent"));
}

TEST_F(NoAnswer, ARefusalByIcmpIsAPacketFiltersAndOneByAResetIsNot) {
  using std::chrono::milliseconds;
  for (const bool local : {false, true}) {
    host.address_is_local = local;
    const Diagnosis filter = diagnose(ended(ECONNREFUSED, ConnectOutcome::refused, milliseconds(1), 1));
    EXPECT_EQ(filter.cause, Cause::policy_denied);
    EXPECT_EQ(filter.policy, "netfilter");
    EXPECT_EQ(filter.confidence, Confidence::likely);
    const Diagnosis reset = diagnose(ended(ECONNREFUSED, ConnectOutcome::refused, milliseconds(1), 1, true));
    EXPECT_EQ(reset.cause, local ? Cause::nothing_listens : Cause::refused_by_peer);
  }
  host.address_is_local = false;
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp4("192.0.2.1", 80))).cause, Cause::refused_by_peer)
      << "how it ended is not known";
}

TEST_F(NoAnswer, ARefusalARouterAndABindAreNoSilence) {
  host.address_is_local = false;
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp4("192.0.2.1", 80))).cause, Cause::refused_by_peer);
  EXPECT_EQ(diagnose(inet_connect(EHOSTUNREACH, tcp4("192.0.2.1", 80))).cause, Cause::unreachable);
  EXPECT_EQ(diagnose(inet_bind(ETIMEDOUT, tcp4("192.0.2.1", 8080))).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
