// stale_socket: a socket file without a socket, certain only if it was dead before the call.
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using StaleSocket = DiagnosisTest;

TEST_F(StaleSocket, AStaleSocketIsCertainOnlyWhenItWasDeadAtTheStart) {
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain);
  host.open_at_start = {open_socket(file_name(5), owner(42, "web", 555))};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely)
      << "its holder may have died right after the call";
  host.open_at_start.clear();
  host.objects["/run/x"] = socket_file(5, kBefore);
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely) << "made after the agent started";
  host.objects["/run/x"] = socket_file(5, FakeHost::kStart - 5'000'000);
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely) << "file times are a tick behind";
  host.objects["/run/x"] = socket_file(5, 1);
  host.binders = {{file_name(5), owner(42, "web", 555, kBefore)}};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::address_in_use) << "its socket is still there, in flight";
  host.names_released = false;
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely) << "somebody was seen to bind it";
  host.binders.clear();
  host.start_wall += 3'600'000'000'000;
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely) << "the clock was set meanwhile";
  host.start_wall = FakeHost::kStart;
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain);
  host.objects["/run/x"].born.reset();
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely) << "a file system without birth times";
}

TEST_F(StaleSocket, ASocketThatIsGoneOnlySinceTheCallMayHaveBeenInFlight) {
  host.objects["/run/x"] = socket_file(5, 1);
  SocketOwner maker = owner(42, "web", 555, FakeHost::kStart - 100'000'000);
  maker.binding.released = {kBefore};
  host.binders = {{file_name(5), maker}};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain) << "it was gone before the call";
  host.binders[0].second.binding.released = {kAfter};
  EXPECT_NE(diagnose(kBusy).confidence, Confidence::certain)
      << "no process had it open at the earlier scan, and it may have been sent from one to another";
}

TEST_F(StaleSocket, WhatAWalkHadNoRoomForProvesNothing) {
  const OpenSocket other = open_socket(file_name(6), owner(43, "cache", 556));
  const OpenSocket connection =
      open_socket(tcp_name(tcp4("0.0.0.0", 80)), owner(44, "proxy", 557), OpenSocket::State::connected);
  host.objects["/run/x"] = socket_file(5, 1);
  host.walk_bytes = 100;  // room for none
  host.open_at_start = {connection};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain) << "a TCP connection holds no file";
  host.open_at_start = {other};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely) << "it may have been open then";
  host.open_at_start.clear();
  host.open_sockets = {other};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::unknown) << "it may be open now";
}

TEST_F(StaleSocket, AnAcceptedConnectionDoesNotKeepAFileAlive) {
  host.objects["/run/x"] = socket_file(5, 1);
  open(file_name(5), owner(42, "web", 556), OpenSocket::State::connected);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
}

TEST_F(StaleSocket, ARefusedConnectToAStaleSocketIsStaleToo) {
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9)).cause, Cause::stale_socket);
  open(file_name(5), owner(42, "web", 555), OpenSocket::State::idle);  // bound, not listening
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9)).cause, Cause::nothing_listens);
}

TEST_F(StaleSocket, AFileThatIsServedOrNoSocketAndOtherErrorsAreNotStale) {
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
  EXPECT_NE(diagnose(path_bind(EACCES, "/run/x")).cause, Cause::stale_socket);
  EXPECT_NE(diagnose(path_connect(EAGAIN, "/run/x")).cause, Cause::stale_socket);
  open(file_name(5), owner(42, "web", 555));
  EXPECT_EQ(diagnose(kBusy).cause, Cause::address_in_use);
  host.open_sockets.clear();
  host.objects["/run/x"].kind = PathObject::Kind::file;
  EXPECT_EQ(diagnose(kBusy).cause, Cause::path_occupied);
}

TEST_F(StaleSocket, OfASendAsOfAConnectButNotOfAPeerThatIsGone) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  Event send = path_send(ECONNREFUSED);
  EXPECT_EQ(diagnose(send).cause, Cause::stale_socket);
  call_of(send).of_peer = true;
  EXPECT_NE(diagnose(send).cause, Cause::stale_socket);
}

}  // namespace
}  // namespace sockward::test
