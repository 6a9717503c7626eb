// connection_still_open: no socket listens on the port, and a connection has it. Never certain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using ConnectionStillOpen = DiagnosisTest;

TEST_F(ConnectionStillOpen, OnlyConnectionsMeanItAndNeverCertain) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555), OpenSocket::State::connected);
  const Diagnosis found = diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::connection_still_open);
  EXPECT_EQ(found.confidence, Confidence::likely);
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(43, "web", 556));
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_use);
}

TEST_F(ConnectionStillOpen, DescriptorsOfOneConnectionAreCountedOnce) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  for (const std::uint32_t tgid : {42u, 42u, 43u})
    open(name, owner(tgid, "web", 555), OpenSocket::State::connected);
  const Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("web[42] (uid 33) has 1 open connection on it")));
  open(name, owner(42, "web", 556), OpenSocket::State::connected);
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("has 2 open connections on it")));
}

TEST_F(ConnectionStillOpen, WhatAGoneListenerLeftBehindComesBeforeItsMemory) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 80));
  host.binders = {{name, owner(42, "web", 555, kBefore)}};
  open(name, owner(42, "web", 556), OpenSocket::State::connected);
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::connection_still_open);
  host.open_sockets.clear();
  host.uses = {{.state = PortUse::State::time_wait}};
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80))).cause, Cause::address_in_time_wait);
}

TEST_F(ConnectionStillOpen, OfAnOutgoingOneThePortIsToBeReserved) {
  const BoundName name = tcp_name(tcp4("127.0.0.1", 40000));
  open(name, owner(42, "client", 555), OpenSocket::State::connected);
  Event event = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 40000));
  call_of(event).port_low = 32768;
  call_of(event).port_high = 60999;
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::connection_still_open);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("the range for outgoing connections, 32768 to 60999")));
  EXPECT_THAT(found.advice, HasSubstr("ip_local_reserved_ports=40000"));
  host.binders = {{name, owner(42, "client", 555, kBefore)}};
  EXPECT_THAT(diagnose(event).advice, Not(HasSubstr("ip_local_reserved_ports"))) << "it was bound";
}

TEST_F(ConnectionStillOpen, AnotherPortAndAListenMeetNone) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555), OpenSocket::State::connected);
  EXPECT_EQ(diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 81))).cause, Cause::unknown);
  Event listen = inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80));
  listen.syscall = Syscall::listen;
  call_of(listen).bound_port = 80;
  EXPECT_NE(diagnose(listen).cause, Cause::connection_still_open);
}

}  // namespace
}  // namespace sockward::test
