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

TEST_F(AddressInTimeWait, IsSaidOnlyOfTcpInTheCallersNamespaceWhereTheTableCouldBeRead) {
  host.uses = {{.state = PortUse::State::time_wait}};
  const Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  EXPECT_EQ(diagnose(event).cause, Cause::address_in_time_wait);
  Event udp = event, passed = event;
  call_of(udp).protocol = IPPROTO_UDP;
  EXPECT_NE(diagnose(udp).cause, Cause::address_in_time_wait);
  call_of(passed).socket_netns = 1;
  EXPECT_NE(diagnose(passed).cause, Cause::address_in_time_wait) << "the table is another namespace's";
  host.tables_readable = false;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown);
  host.tables_readable = true;
  host.uses = {{.state = PortUse::State::bound, .socket_inode = 777}};
  EXPECT_EQ(diagnose(event).cause, Cause::address_in_use) << "a socket has it";
}

}  // namespace
}  // namespace sockward::test
