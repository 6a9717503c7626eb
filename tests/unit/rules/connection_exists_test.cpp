// connection_exists: the port that the program chose is connected to that very address already.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class ConnectionExists : public DiagnosisTest {
 protected:
  ConnectionExists() {
    call_of(event).port_chosen = true;
    call_of(event).source = tcp4("127.0.0.1", 5000);
    host.known_connection = KnownConnection{.socket_inode = 777, .state = "ESTABLISHED"};
  }
  Event event = inet_connect(EADDRNOTAVAIL, tcp4("127.0.0.1", 80));
};

TEST_F(ConnectionExists, TheFourNumbersAreShownWithTheProcessThatHasThemOpen) {
  open(tcp_name(tcp4("127.0.0.1", 5000)), owner(42, "client", 777), OpenSocket::State::connected);
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::connection_exists);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(AllOf(HasSubstr("127.0.0.1:5000"), HasSubstr("127.0.0.1:80"),
                                             HasSubstr("ESTABLISHED"))));
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
}

TEST_F(ConnectionExists, TheFourNumbersMayBeThoseOfAConnectionInTimeWait) {
  open(tcp_name(tcp4("127.0.0.1", 5000)), owner(42, "client", 0), OpenSocket::State::connected);
  host.known_connection = KnownConnection{.socket_inode = 0, .state = "TIME_WAIT"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::connection_exists);
  EXPECT_FALSE(found.holder) << "no process has it open";
}

TEST_F(ConnectionExists, IsAskedForOnlyWhenTheProgramChoseThePort) {
  call_of(event).port_chosen = false;
  EXPECT_EQ(diagnose(event).cause, Cause::ports_exhausted);
  call_of(event).port_chosen = true;
  host.known_connection.reset();
  EXPECT_NE(diagnose(event).cause, Cause::connection_exists);
  EXPECT_NE(diagnose(event).cause, Cause::ports_exhausted) << "no port was looked for";
}

}  // namespace
}  // namespace sockward::test
