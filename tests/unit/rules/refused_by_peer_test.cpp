// refused_by_peer: another host answered, and refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using RefusedByPeer = DiagnosisTest;

TEST_F(RefusedByPeer, AnotherHostThatRefusesIsUp) {
  host.address_is_local = false;
  const Diagnosis found = diagnose(inet_connect(ECONNREFUSED, tcp4("192.0.2.1", 80)));
  EXPECT_EQ(found.cause, Cause::refused_by_peer);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("192.0.2.1 is another host")));
}

TEST_F(RefusedByPeer, LoopbackIsNeverAnotherHostAndWithoutARouteNothingIsClaimed) {
  host.address_is_local = false;
  for (const SocketAddress& address : {tcp4("127.0.0.1", 80), tcp6("::1", 80), tcp6("::ffff:127.0.0.1", 80)})
    EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, address)).cause, Cause::nothing_listens);
  host.route_answer = ENETUNREACH;
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp4("192.0.2.1", 80))).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
