// directory_not_writable: the directory of the name denies, and every doubt takes the certainty away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using DirectoryNotWritable = PermissionTest;

TEST_F(DirectoryNotWritable, NamesTheComponentTheModeAndTheOwner) {
  host.trace = trace_of(0755);
  const Diagnosis found = diagnose(bind);
  EXPECT_EQ(found.cause, Cause::directory_not_writable);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/run/app has uid 0, gid 0, mode 0755")));
  EXPECT_THAT(found.evidence, Contains(HasSubstr("uid 998, groups 998, 100")));
}

TEST_F(DirectoryNotWritable, AStickyDirectoryDeniesRemovalWithEperm) {
  host.trace = trace_of(01777, socket_step(0755));
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EPERM, "/run/app/x")).cause, Cause::directory_not_writable);
  EXPECT_NE(diagnose(path_call(Syscall::unlink, EACCES, "/run/app/x")).cause, Cause::directory_not_writable)
      << "that would be EPERM";
}

TEST_F(DirectoryNotWritable, AnImmutableOneDeniesRootToo) {
  host.trace = trace_of(0755);
  host.trace->searched.back().object.immutable = true;
  Event event = with_groups(path_bind(EPERM));
  event.actor = with_capability(event.actor, CAP_DAC_OVERRIDE);
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::directory_not_writable);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/run/app is immutable")));
  EXPECT_THAT(found.advice, HasSubstr("chattr -i /run/app"));
  event.result = -EACCES;
  EXPECT_NE(diagnose(event).cause, Cause::directory_not_writable) << "that would be EPERM";
}

TEST_F(DirectoryNotWritable, EveryDoubtTakesCertaintyAway) {
  host.trace = trace_of(0755);
  host.trace->remote = true;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "NFS, FUSE";
  host.trace = trace_of(0755);
  host.trace->searched.back().has_acl = true;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "an access-control list";
  host.trace = trace_of(0755);
  host.trace->searched.back().object.changed = {1'100'000'000};
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "changed after the call";
  host.trace = trace_of(0755);
  EXPECT_EQ(diagnose(bind).confidence, Confidence::certain);
  Event cut = bind;
  cut.actor.groups_truncated = true;
  EXPECT_EQ(diagnose(cut).confidence, Confidence::likely) << "not all groups are recorded";
  Event unrecorded = bind;
  unrecorded.actor.groups.reset();
  EXPECT_EQ(diagnose(unrecorded).confidence, Confidence::likely) << "groups were read after the call";
  host.mounts_now = kMountEvent + 1;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "something was mounted since";
  host.mounts_now = kMountEvent;
  host.clock_was_set = true;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "file times cannot be compared";
  host.clock_was_set = false;
  host.trace->callers_view = false;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "another process's root";
}

TEST_F(DirectoryNotWritable, TheOwnersCapabilityOfAnotherUserNamespaceMayNotCountInAStickyDirectory) {
  host.trace = trace_of(01777, socket_step(0755));
  Event unlink = with_groups(path_call(Syscall::unlink, EPERM, "/run/app/x"));
  EXPECT_EQ(diagnose(unlink).confidence, Confidence::certain);
  unlink.actor = with_capability(unlink.actor, CAP_FOWNER);
  EXPECT_EQ(diagnose(unlink).cause, Cause::policy_denied) << "it overrides the owner";
  unlink.actor.userns = 4026532999;
  EXPECT_EQ(diagnose(unlink).cause, Cause::directory_not_writable);
  EXPECT_EQ(diagnose(unlink).confidence, Confidence::likely);
}

TEST_F(DirectoryNotWritable, OneWhoseModeWasChangedSinceIsInferredAndLikely) {
  host.trace = trace_of(0777);
  host.trace->searched.back().object.changed = {kAfter};
  const Diagnosis found = diagnose(bind);
  EXPECT_EQ(found.cause, Cause::directory_not_writable);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("that the directory refused is inferred")));
  EXPECT_NE(diagnose(connect).cause, Cause::directory_not_writable) << "a connect writes no directory";
}

}  // namespace
}  // namespace sockward::test
