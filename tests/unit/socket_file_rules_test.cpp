// Rules about socket files: who serves them, and what is left when nobody does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/holders.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const Event kBusy = unix_call(Syscall::bind, EADDRINUSE, "/run/x", 9);

TEST_F(HolderRules, AServedSocketFileIsInUse) {
  host.objects["/run/x"] = socket_file(5, kBefore);
  open(file_name(5), owner(42, "web", 555));
  host.binders = {{file_name(5), owner(42, "web", 555, kBefore)}};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::address_in_use);
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain);
}

TEST_F(HolderRules, AStaleSocketIsCertainOnlyWhenItWasDeadAtTheStart) {
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain);
  host.open_at_start = {{file_name(5), owner(42, "web", 555), 3, SOCK_STREAM, OpenSocket::State::listening}};
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

TEST_F(HolderRules, WhatAWalkHadNoRoomForProvesNothing) {
  const OpenSocket other{file_name(6), owner(43, "cache", 556), 3, SOCK_STREAM, OpenSocket::State::listening};
  const OpenSocket connection{
      tcp_name({.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = 80}),
      owner(44, "proxy", 557), 3, SOCK_STREAM, OpenSocket::State::connected};
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

TEST_F(HolderRules, AnAcceptedConnectionDoesNotKeepAFileAlive) {
  host.objects["/run/x"] = socket_file(5, 1);
  open(file_name(5), owner(42, "web", 556), OpenSocket::State::connected);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
}

TEST_F(HolderRules, ARefusedConnectToAStaleSocketIsStaleToo) {
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9)).cause, Cause::stale_socket);
  open(file_name(5), owner(42, "web", 555), OpenSocket::State::idle);  // bound, not listening
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9)).cause, Cause::nothing_listens);
}

TEST_F(HolderRules, AFailedUnlinkBeforeMakesItUnremovable) {
  host.objects["/run/x"] = socket_file(5, 1);
  host.objects["/run"] = {.kind = PathObject::Kind::directory, .mode = 01777};
  for (const int error : {EPERM, EACCES, EROFS}) {
    Event unlink = path_call(Syscall::unlinkat, error, "/run/x");
    unlink.time.ns -= 3'000'000;
    before = {unlink};
    const Diagnosis found = diagnose(kBusy);
    EXPECT_EQ(found.cause, Cause::stale_socket_unremovable);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("tried to remove it 3.0 ms before: unlinkat E")));
    EXPECT_THAT(found.evidence, Contains(HasSubstr("sticky")));
  }
}

TEST_F(HolderRules, AnUnlinkOfAnotherProcessOrPathOrLongAgoDoesNot) {
  host.objects["/run/x"] = socket_file(5, 1);
  Event unlink = path_call(Syscall::unlink, EPERM, "/run/x");
  Event other_process = unlink, other_path = path_call(Syscall::unlink, EPERM, "/run/y"), pid_reused = unlink,
        old = unlink;
  other_process.actor.tgid = 9;
  pid_reused.actor.leader_start_ns = 9;
  Event late = kBusy;
  late.time.ns += 120'000'000'000;
  for (const Event& wrong : {other_process, other_path, pid_reused}) {
    before = {wrong};
    EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
  }
  before = {old};
  EXPECT_EQ(diagnose(late).cause, Cause::stale_socket);
}

TEST_F(HolderRules, AnUnlinkThatFoundNothingOrSomethingElseWasNotRefused) {
  host.objects["/run/x"] = socket_file(5, 1);
  for (const int error : {ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG}) {
    before = {path_call(Syscall::unlink, error, "/run/x")};
    EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket) << error;
  }
  before = {path_call(Syscall::unlink, EBUSY, "/run/x")};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket_unremovable);
}

TEST_F(HolderRules, AFileThatWasMadeAfterTheFailedUnlinkIsAnotherOne) {
  Event unlink = path_call(Syscall::unlink, EACCES, "/run/x");
  unlink.time.ns = kBefore - 50'000'000;
  before = {unlink};
  host.objects["/run/x"] = socket_file(5, kBefore);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket_unremovable);
  host.objects["/run/x"].born.reset();
  SocketOwner since = owner(42, "web", 555, kBefore);
  since.binding.released = {kBefore + 1};
  host.binders = {{file_name(5), since}};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket) << "it was bound since, and its end was seen";
}

TEST_F(HolderRules, WhoMayRemoveAStaleSocketIsTheOwnerOfTheDirectoryUnlessItIsSticky) {
  host.objects["/run/x"] = socket_file(5, 1);
  host.objects["/run/x"].uid = 998;
  host.objects["/run"] = {.kind = PathObject::Kind::directory, .uid = 7, .mode = 0755};
  before = {path_call(Syscall::unlink, EACCES, "/run/x")};
  EXPECT_THAT(diagnose(kBusy).advice, HasSubstr("remove it as uid 7,")) << "its owner could not";
  before = {path_call(Syscall::unlink, EPERM, "/run/x")};
  EXPECT_THAT(diagnose(kBusy).advice, HasSubstr("remove it as uid 998,"));
}

TEST_F(HolderRules, AnUnlinkThatFailedOnALiveListenerIsStillInUse) {
  host.objects["/run/x"] = socket_file(5, 1);
  open(file_name(5), owner(42, "web", 555));
  before = {path_call(Syscall::unlink, EPERM, "/run/x")};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::address_in_use);
}

TEST_F(HolderRules, SomethingElseAtThePathOccupiesIt) {
  for (const auto kind : {PathObject::Kind::file, PathObject::Kind::directory, PathObject::Kind::symlink,
                          PathObject::Kind::fifo}) {
    host.objects["/run/x"] = {.kind = kind, .changed = {1}, .born = {}};
    EXPECT_EQ(diagnose(kBusy).cause, Cause::path_occupied);
    EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain);
  }
  host.objects["/run/x"].changed = {static_cast<std::int64_t>(kAfter)};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain) << "its name was not made after the call";
  host.objects["/run"] = {.kind = PathObject::Kind::directory,
                          .mode = 0755,
                          .changed = {static_cast<std::int64_t>(kAfter)},
                          .exact_times = true};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely);
  host.objects["/run/x"].exact_times = true;
  EXPECT_EQ(diagnose(kBusy).cause, Cause::unknown) << "it was put there after the call";
  host.objects["/run/x"].exact_times = false;
  host.objects.erase("/run");
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9)).cause, Cause::path_occupied);
  host.objects.clear();
  EXPECT_EQ(diagnose(kBusy).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
