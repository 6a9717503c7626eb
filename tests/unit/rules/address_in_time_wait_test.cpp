// address_in_time_wait: closed connections keep the port, and no process has it. Never certain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using AddressInTimeWait = DiagnosisTest;

TEST_F(AddressInTimeWait, TimeWaitNeedsThatNobodyHasThePort) {
  host.uses = {{.state = PortUse::State::time_wait, .age = std::chrono::milliseconds(2500)}};
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::address_in_time_wait);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("2.5 s")));
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_use);
}

TEST_F(AddressInTimeWait, WhereNobodyLookedThePortIsNotCalledUnheld) {
  host.uses = {{.state = PortUse::State::time_wait}};
  const Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("no process has the port open")));
  host.scans = false;
  EXPECT_EQ(diagnose(event).cause, Cause::address_in_time_wait);
  EXPECT_THAT(diagnose(event).evidence, Not(Contains(HasSubstr("no process has the port open"))));
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("holders are not visible")));
}

}  // namespace
}  // namespace sockward::test
