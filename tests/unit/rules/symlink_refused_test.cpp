// symlink_refused: openat2 with RESOLVE_NO_SYMLINKS met a link. Only one that was there then is certain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using SymlinkRefused = DiagnosisTest;

TEST_F(SymlinkRefused, ARefusedSymlinkIsNamedWithItsTarget) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 6;
  host.symlinks["/opt/rootfs"] = {.path = "/opt", .target = "/home/opt"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/opt is a symbolic link to /home/opt")));
  EXPECT_THAT(found.advice, HasSubstr("mount --bind /home/opt /opt"));
  host.symlinks.clear();
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely) << "no link to be seen";
  std::get<PathCall>(event.call).resolve = 0;
  EXPECT_EQ(diagnose(event).cause, Cause::unknown) << "a loop, not a policy";
}

TEST_F(SymlinkRefused, ALinkInADirectoryThatWasPutThereSinceIsNotCertain) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/app/rootfs");
  std::get<PathCall>(event.call).resolve = 4;
  host.symlinks["/opt/app/rootfs"] = {.path = "/opt/app/rootfs", .target = "/home/opt", .changed = {1}};
  EXPECT_EQ(diagnose(event).confidence, Confidence::certain);
  host.objects["/opt"] = host.objects["/opt/app"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::likely) << "another directory may have had the name";
}

// The mount namespace of a container that could not be started is gone at once.
TEST_F(SymlinkRefused, WhenTheCallerIsGoneTheErrorOfTheKernelItselfIsCertain) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 6;
  host.symlinks["/opt/rootfs"] = {
      .path = "/opt", .target = "/home/opt", .changed = {1}, .from_our_mounts = true};
  const Diagnosis by_filter = diagnose(event);
  EXPECT_EQ(by_filter.cause, Cause::symlink_refused);
  EXPECT_EQ(by_filter.confidence, Confidence::likely) << "a seccomp filter may have made up the error";
  event.kernel_answered = true;
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains("in the agent's own view /opt is a symbolic link to /home/opt"));
  host.symlinks["/opt/rootfs"].changed = {kAfter};
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely) << "a link that was made since";
  host.symlinks.clear();
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely) << "no link to be seen";
}

TEST_F(SymlinkRefused, APathThatBeginsAtADirectoryOfTheCallIsNotLookedUpFromTheRoot) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 4 | 16;  // RESOLVE_IN_ROOT
  host.symlinks["/opt/rootfs"] = {.path = "/opt", .target = "/home/opt"};
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::symlink_refused);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("/home/opt"))));
}

TEST_F(SymlinkRefused, WhereNoLinkWasAFilterAnswered) {
  Event event = path_call(Syscall::openat2, ELOOP, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 4;
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::policy_denied);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.policy, "seccomp");
  host.objects["/opt"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  EXPECT_EQ(diagnose(event).cause, Cause::symlink_refused) << "the link may have been removed since";
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely);
}

TEST_F(SymlinkRefused, OtherErrorsAndFlagsThatCouldNotBeReadAreNoPolicyOfTheCaller) {
  Event event = path_call(Syscall::openat2, ENOENT, "/opt/rootfs");
  std::get<PathCall>(event.call).resolve = 4;
  host.symlinks["/opt/rootfs"] = {.path = "/opt", .target = "/home/opt"};
  EXPECT_NE(diagnose(event).cause, Cause::symlink_refused);
  event.result = -ELOOP;
  EXPECT_EQ(diagnose(event).cause, Cause::symlink_refused);
  std::get<PathCall>(event.call).arguments_readable = false;
  EXPECT_NE(diagnose(event).cause, Cause::symlink_refused);
}

}  // namespace
}  // namespace sockward::test
