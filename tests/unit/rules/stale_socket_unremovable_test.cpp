// stale_socket_unremovable: the program was refused when it tried to remove the stale file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using StaleSocketUnremovable = DiagnosisTest;

TEST_F(StaleSocketUnremovable, AFailedUnlinkBeforeMakesItUnremovable) {
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

TEST_F(StaleSocketUnremovable, AnUnlinkOfAnotherProcessOrPathOrLongAgoDoesNot) {
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

TEST_F(StaleSocketUnremovable, AnUnlinkThatFoundNothingOrSomethingElseWasNotRefused) {
  host.objects["/run/x"] = socket_file(5, 1);
  for (const int error : {ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG}) {
    before = {path_call(Syscall::unlink, error, "/run/x")};
    EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket) << error;
  }
  before = {path_call(Syscall::unlink, EBUSY, "/run/x")};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket_unremovable);
}

TEST_F(StaleSocketUnremovable, AFileThatWasMadeAfterTheFailedUnlinkIsAnotherOne) {
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

TEST_F(StaleSocketUnremovable, WhoMayRemoveAStaleSocketIsTheOwnerOfTheDirectoryUnlessItIsSticky) {
  host.objects["/run/x"] = socket_file(5, 1);
  host.objects["/run/x"].uid = 998;
  host.objects["/run"] = {.kind = PathObject::Kind::directory, .uid = 7, .mode = 0755};
  before = {path_call(Syscall::unlink, EACCES, "/run/x")};
  EXPECT_THAT(diagnose(kBusy).advice, HasSubstr("remove it as uid 7,")) << "its owner could not";
  before = {path_call(Syscall::unlink, EPERM, "/run/x")};
  EXPECT_THAT(diagnose(kBusy).advice, HasSubstr("remove it as uid 998,"));
}

TEST_F(StaleSocketUnremovable, AnUnlinkThatFailedOnALiveListenerIsStillInUse) {
  host.objects["/run/x"] = socket_file(5, 1);
  open(file_name(5), owner(42, "web", 555));
  before = {path_call(Syscall::unlink, EPERM, "/run/x")};
  EXPECT_EQ(diagnose(kBusy).cause, Cause::address_in_use);
}

}  // namespace
}  // namespace sockward::test
