// connection_still_open: no socket listens on the port, and a connection has it. Never certain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace sockward::test
